// Draws a ThumbHash (evanw.github.io/thumbhash): about 25 bytes with the first coefficients of a cosine transform of
// brightness, two colour differences and, where there is some, opacity.

const LONG_EDGE = 32;

/** Return {width, height, pixels} of a hash in Base64, `pixels` as RGBA bytes; null for what is not a hash. */
export function decode(base64) {
  let bytes;
  try {
    bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  } catch {
    return null;
  }
  if (bytes.length < 6) return null;
  const header = bytes[0] | (bytes[1] << 8) | (bytes[2] << 16);
  const tail = bytes[3] | (bytes[4] << 8);
  const hasAlpha = header >> 23 === 1;
  const isLandscape = tail >> 15 === 1;
  const limit = hasAlpha ? 5 : 7;
  const across = Math.max(1, isLandscape ? limit : tail & 7);
  const down = Math.max(1, isLandscape ? tail & 7 : limit);
  const nibbles = nibblesOf(bytes, hasAlpha ? 6 : 5);
  const read = (dc, scale, nx, ny) => ({ dc, terms: termsOf(nibbles, scale, nx, ny) });
  const luma = read((header & 63) / 63, ((header >> 18) & 31) / 31, Math.max(3, across), Math.max(3, down));
  // The colours were rounded to a few levels, which pales them.
  const yellow = read(((header >> 6) & 63) / 31.5 - 1, (((tail >> 3) & 63) / 63) * 1.25, 3, 3);
  const red = read(((header >> 12) & 63) / 31.5 - 1, (((tail >> 9) & 63) / 63) * 1.25, 3, 3);
  const alpha = hasAlpha ? read((bytes[5] & 15) / 15, (bytes[5] >> 4) / 15, 5, 5) : { dc: 1, terms: [] };
  const ratio = across / down;
  const width = Math.round(ratio > 1 ? LONG_EDGE : LONG_EDGE * ratio);
  const height = Math.round(ratio > 1 ? LONG_EDGE / ratio : LONG_EDGE);
  const pixels = new Uint8ClampedArray(width * height * 4);
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at += 4) {
      const [l, p, q, a] = [luma, yellow, red, alpha].map((channel) => valueAt(channel, (x + 0.5) / width, (y + 0.5) / height));
      const blue = l - (2 / 3) * p;
      const redness = (3 * l - blue + q) / 2;
      pixels.set([redness * 255, (redness - q) * 255, blue * 255, a * 255], at);
    }
  }
  return { width, height, pixels };
}

function* nibblesOf(bytes, start) {
  for (const byte of bytes.subarray(start)) {
    yield byte & 15;
    yield byte >> 4;
  }
}

function termsOf(nibbles, scale, nx, ny) {
  const terms = [];
  for (let cy = 0; cy < ny; cy++) {
    for (let cx = cy ? 0 : 1; cx * ny < nx * (ny - cy); cx++) {
      const { value, done } = nibbles.next();
      terms.push([cx, cy, (done ? 0 : value / 7.5 - 1) * scale]);
    }
  }
  return terms;
}

function valueAt({ dc, terms }, x, y) {
  return terms.reduce(
    (sum, [cx, cy, weight]) => sum + 2 * weight * Math.cos(Math.PI * cx * x) * Math.cos(Math.PI * cy * y),
    dc,
  );
}
