// Requests to the server of this page, and the message that tells what failed.

const root = document.body.dataset.root;

/** Return the address of a path of the server, such as `api/state`. */
export function address(path) {
  return `${location.origin}${root}/${path}`;
}

/** Ask the server for JSON. Throw an Error with the server's words if it refuses, the status and the answer. */
export async function ask(path, options = {}) {
  let response;
  try {
    response = await fetch(address(path), options);
  } catch {
    throw new Error("The server does not answer. Is latentclust view still running?");
  }
  const found = await response.json().catch(() => ({}));
  if (!response.ok) {
    const error = new Error(found.error ?? `The server answered ${response.status}.`);
    throw Object.assign(error, { status: response.status, answer: found });
  }
  return found;
}

/** Send JSON to the server with a method such as POST, and return its answer. */
export function send(path, value, method = "POST") {
  const headers = { "Content-Type": "application/json" };
  return ask(path, { method, headers, body: JSON.stringify(value) });
}

/** Show a message to the user, read out by screen readers; an empty one hides it. */
export function tell(text) {
  document.getElementById("message").textContent = text;
}
