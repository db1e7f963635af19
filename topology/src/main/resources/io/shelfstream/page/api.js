// Requests to the service that this page came from.
import {askForToken, token} from './token.js';

/** A refusal: reason class, and a message with the remedy. */
export class Refusal extends Error {
  constructor(status, reason, message) {
    super(message);
    this.status = status;
    this.reason = reason;
  }
}

/** Tells whether the service can be reached: 'lost' and 'back' events. */
export const connection = new EventTarget();
let lost = false;

function reached(is) {
  if (lost === is) {
    lost = !is;
    connection.dispatchEvent(new Event(is ? 'back' : 'lost'));
  }
}

async function send(path, options) {
  const headers = new Headers(options.headers);
  const used = token();
  if (used) {
    headers.set('Authorization', 'Bearer ' + used);
  }
  let response;
  try {
    response = await fetch(path, {...options, headers, cache: options.cache ?? 'no-store'});
  } catch (failure) {
    if (failure.name !== 'AbortError') {
      reached(false);
    }
    throw failure;
  }
  reached(true);
  if (response.status === 401) {
    await askForToken(used);
    return send(path, options);
  }
  return response;
}

async function refusal(response) {
  let body = {};
  try {
    body = await response.json();
  } catch {
    // A proxy answered.
  }
  return new Refusal(response.status, body.reason ?? '', body.message ?? `The answer is ${response.status}`);
}

/** The answer as JSON; throws Refusal. */
export async function json(path, options = {}) {
  const response = await send(path, options);
  if (!response.ok) {
    throw await refusal(response);
  }
  return response.json();
}

export const post = (path, body, options = {}) =>
  json(path, {
    ...options,
    method: options.method ?? 'POST',
    body: body instanceof Blob ? body : JSON.stringify(body),
    headers: body instanceof Blob ? {'Content-Type': body.type || 'application/octet-stream'} : {'Content-Type': 'application/json'},
  });

export const remove = (path, options = {}) => json(path, {...options, method: 'DELETE'});

/** A text, such as the metrics. */
export async function text(path, options = {}) {
  const response = await send(path, options);
  if (!response.ok) {
    throw await refusal(response);
  }
  return response.text();
}

/** Health answers 503 with a body that says why. */
export async function health(options = {}) {
  const response = await send('/health/ready', options);
  return response.json();
}

/** Browsers open six connections to a host: pictures that wait must not keep questions from being asked. */
const AT_A_TIME = 4;
let loading = 0;
const waiting = [];

/** A picture as a blob; browsers may keep it. */
export async function picture(path, options = {}) {
  while (loading >= AT_A_TIME) {
    await new Promise((resolve) => waiting.push(resolve));
  }
  loading++;
  try {
    options.signal?.throwIfAborted();
    const response = await send(path, {...options, cache: 'default'});
    if (!response.ok) {
      throw await refusal(response);
    }
    return await response.blob();
  } finally {
    loading--;
    waiting.shift()?.();
  }
}

export function query(parameters) {
  const given = Object.entries(parameters).filter(([, value]) => value !== '' && value !== null && value !== undefined);
  return new URLSearchParams(given).toString();
}
