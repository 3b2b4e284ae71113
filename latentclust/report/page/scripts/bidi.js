// A name whose direction of writing does not change the text around it, in isolates of Unicode, as in display_names.py.

export function isolate(name) {
  return `\u2068${name.replace(/[\u2066-\u2069]/g, "")}\u2069`;
}
