import assert from "node:assert/strict";
import fc from "fast-check";
import { contains, groupOf, parseAddress, parseNetwork } from "../../lib/ip_network.ts";
import { clientReader } from "../../routes/auth/client.ts";

const isIn = (network: string, address: string) => {
  const parsed = parseNetwork(network);
  assert.ok(parsed, network);
  return contains(parsed, address);
};

Deno.test("addresses are in the networks that they are in", () => {
  assert.ok(isIn("10.0.0.0/8", "10.255.0.1"));
  assert.ok(!isIn("10.0.0.0/8", "11.0.0.1"));
  assert.ok(isIn("192.0.2.7", "192.0.2.7") && !isIn("192.0.2.7", "192.0.2.8"));
  assert.ok(isIn("0.0.0.0/0", "203.0.113.9") && !isIn("0.0.0.0/0", "2001:db8::1"));
  assert.ok(isIn("2001:db8::/32", "2001:db8:ffff::1") && !isIn("2001:db8::/32", "2001:db9::1"));
  assert.ok(isIn("127.0.0.1", "::ffff:127.0.0.1"), "as a socket of both families names it");
  assert.ok(isIn("::ffff:10.0.0.0/104", "10.1.2.3"));
  assert.ok(isIn("fe80::/10", "fe80::1%eth0"));
  for (
    const wrong of ["", "10.0.0.0/33", "::/129", "10.0.0.0/8/8", "10.0.0/8", "a/8", "1.2.3.4/-1"]
  ) {
    assert.equal(parseNetwork(wrong), undefined, wrong);
  }
});

Deno.test("every address is in the networks cut from it, and in no other of its length", () => {
  const four = fc.ipV4();
  const six = fc.ipV6();
  fc.assert(fc.property(fc.oneof(four, six), fc.nat(128), (address, length) => {
    const parsed = parseAddress(address);
    assert.ok(parsed, address);
    const prefix = Math.min(length, parsed.bits);
    assert.ok(contains({ ...parsed, prefix }, address));
    if (prefix === 0) return;
    const flipped = parsed.value ^ (1n << BigInt(parsed.bits - prefix));
    assert.ok(!contains({ ...parsed, value: flipped, prefix }, address));
  }));
});

Deno.test("one site of IPv6 is one guesser; one address of IPv4 is", () => {
  assert.equal(groupOf("2001:db8:1:2::1"), groupOf("2001:db8:1:2:ffff::9"));
  assert.notEqual(groupOf("2001:db8:1:2::1"), groupOf("2001:db8:1:3::1"));
  assert.notEqual(groupOf("192.0.2.1"), groupOf("192.0.2.2"));
  assert.equal(groupOf("::ffff:192.0.2.1"), groupOf("192.0.2.1"));
});

const read = (trusted: string[], remote: string, forwarded?: string, proto?: string) =>
  clientReader(trusted)(remote, (name) => name === "x-forwarded-for" ? forwarded : proto);

Deno.test("headers of a proxy count from a trusted one only, and only up to the first that is not", () => {
  const proxies = ["127.0.0.1", "10.0.0.0/8"];
  const plain = (address: string) => ({ address, https: false });
  assert.deepEqual(read([], "127.0.0.1", "203.0.113.9", "https"), plain("127.0.0.1"));
  assert.deepEqual(read(proxies, "192.0.2.1", "203.0.113.9", "https"), plain("192.0.2.1"));
  assert.deepEqual(read(proxies, "::ffff:127.0.0.1", "203.0.113.9", "https"), {
    address: "203.0.113.9",
    https: true,
  });
  assert.deepEqual(
    read(proxies, "127.0.0.1", "1.1.1.1, 203.0.113.9, 10.1.1.1"),
    plain("203.0.113.9"),
    "what the client wrote itself stands before what the proxies saw",
  );
  assert.deepEqual(read(proxies, "127.0.0.1", "1.1.1.1, unknown, 10.1.1.1"), plain("10.1.1.1"));
  assert.deepEqual(read(proxies, "127.0.0.1", "[2001:db8::1]:443"), plain("2001:db8::1"));
  assert.deepEqual(read(proxies, "127.0.0.1", "203.0.113.9:1234"), plain("203.0.113.9"));
  assert.deepEqual(read(proxies, "127.0.0.1", undefined, "http, https").https, true);
  assert.deepEqual(read(proxies, "127.0.0.1", undefined, "https, http").https, false);
});

Deno.test("no header makes an untrusted connection another's", () => {
  fc.assert(fc.property(fc.string(), fc.string(), (forwarded, proto) => {
    assert.deepEqual(read(["10.0.0.0/8"], "192.0.2.1", forwarded, proto), {
      address: "192.0.2.1",
      https: false,
    });
  }));
});
