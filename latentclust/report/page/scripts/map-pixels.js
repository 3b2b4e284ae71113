// Maps of whole numbers that the page carries as Base64 of zlib, and their colours.

export async function unpackMap(text, wide) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  const buffer = await new Response(stream).arrayBuffer();
  if (!wide) return new Uint8Array(buffer);
  const view = new DataView(buffer);
  return Uint16Array.from({ length: buffer.byteLength / 2 }, (_, at) => view.getUint16(2 * at, true));
}

function channels(colour) {
  return [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16));
}

// Paint values by their colours, transparent for 0 of `values` and of `labels`; other clusters than the marked one fade.
export function paintMap(canvas, width, height, values, colours, labels, marked) {
  const FADED = 28;
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  const table = colours.map(channels);
  const pixels = image.data;
  for (let at = 0; at < values.length; at += 1) {
    const colour = table[values[at] - 1];
    if (labels[at] === 0 || colour === undefined) continue;
    const to = 4 * at;
    pixels[to] = colour[0];
    pixels[to + 1] = colour[1];
    pixels[to + 2] = colour[2];
    pixels[to + 3] = marked === 0 || labels[at] === marked ? 255 : FADED;
  }
  context.putImageData(image, 0, 0);
}
