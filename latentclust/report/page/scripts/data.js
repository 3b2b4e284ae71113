// The data of a section, which the page carries as JSON.

export function readData(key) {
  return JSON.parse(document.getElementById(`data-${key}`).textContent);
}
