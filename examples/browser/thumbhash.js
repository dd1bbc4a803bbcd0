// Decodes a ThumbHash (evanw.github.io/thumbhash): what is shown while the picture itself is still loading.

const SIDE = 32; // pixels of the long edge: a hash has no finer detail
const MORE_COLOUR = 1.25; // coefficients are stored coarsely, which makes colours paler than they were

/** Return a canvas that shows a hash, given in Base64, in the proportions `width` : `height`. */
export function placeholder(base64, width, height) {
  const hash = parse(Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0)));
  const canvas = document.createElement("canvas");
  const scale = SIDE / Math.max(width, height);
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.max(1, Math.round(height * scale));
  const context = canvas.getContext("2d");
  const pixels = context.createImageData(canvas.width, canvas.height);
  for (let y = 0; y < canvas.height; y++) {
    for (let x = 0; x < canvas.width; x++) {
      const at = (channel) => value(channel, (x + 0.5) / canvas.width, (y + 0.5) / canvas.height);
      const [light, yellow, red] = [at(hash.light), at(hash.yellow), at(hash.red)];
      const blue = light - (2 / 3) * yellow;
      const r = (3 * light - blue + red) / 2;
      const alpha = hash.alpha ? at(hash.alpha) : 1;
      pixels.data.set([r, r - red, blue, alpha].map((part) => Math.round(255 * part)), 4 * (y * canvas.width + x));
    }
  }
  context.putImageData(pixels, 0, 0);
  return canvas;
}

/** Read the channels: brightness, yellow - blue, red - green, and opacity where the picture has any. */
function parse(bytes) {
  const header = bytes[0] | (bytes[1] << 8) | (bytes[2] << 16);
  const tail = bytes[3] | (bytes[4] << 8);
  const hasAlpha = Boolean(header >> 23);
  const isLandscape = Boolean(tail >> 15);
  const longSide = hasAlpha ? 5 : 7;
  const shortSide = Math.max(3, tail & 7);
  const [across, down] = isLandscape ? [longSide, shortSide] : [shortSide, longSide];
  let nibble = 2 * (hasAlpha ? 6 : 5);
  const next = () => {
    const byte = bytes[nibble >> 1];
    return ((nibble++ & 1 ? byte >> 4 : byte & 15) / 15) * 2 - 1;
  };
  const channel = (mean, scale, nx, ny) => {
    const waves = [];
    for (let cy = 0; cy < ny; cy++) {
      for (let cx = cy ? 0 : 1; cx * ny < nx * (ny - cy); cx++) {
        waves.push({ cx, cy, size: next() * scale });
      }
    }
    return { mean, waves };
  };
  const light = channel((header & 63) / 63, ((header >> 18) & 31) / 31, Math.max(3, across), Math.max(3, down));
  const yellow = channel(((header >> 6) & 63) / 31.5 - 1, (MORE_COLOUR * ((tail >> 3) & 63)) / 63, 3, 3);
  const red = channel(((header >> 12) & 63) / 31.5 - 1, (MORE_COLOUR * ((tail >> 9) & 63)) / 63, 3, 3);
  const alpha = hasAlpha ? channel((bytes[5] & 15) / 15, (bytes[5] >> 4) / 15, 5, 5) : null;
  return { light, yellow, red, alpha };
}

/** Return a channel's value at a place from 0 to 1: its mean, and a few waves across and down. */
function value({ mean, waves }, x, y) {
  const wave = ({ cx, cy, size }) => 2 * size * Math.cos(Math.PI * cx * x) * Math.cos(Math.PI * cy * y);
  return waves.reduce((sum, each) => sum + wave(each), mean);
}
