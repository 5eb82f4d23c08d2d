// The view library in one place: preact with htm's templates.
import { Component, h, render } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import htm from "htm";

const html = htm.bind(h);

export { Component, html, render, useEffect, useLayoutEffect, useMemo, useRef, useState };
