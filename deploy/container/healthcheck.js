import process from "node:process";

/** Ends with 0 where the Holdfast of this container is ready, else with 1 and the reason. */
async function main() {
  const url = `http://127.0.0.1:${process.env.PORT || 8000}/api/health/ready`;
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(4_000) });
    if (answer.status === 200) return 0;
    console.error(`${url} answers ${answer.status}: ${(await answer.text()).slice(0, 500)}`);
  } catch (error) {
    console.error(`${url}: ${error instanceof Error ? error.message : error}`);
  }
  return 1;
}

process.exit(await main());
