// Uploads a file and follows it until it is published or refused. Nothing here knows the API's key: the page's own
// server has it (server.py), and gives out forms that take one file each.

const POLL_MILLISECONDS = 1000;
const FINAL = new Set(["PUBLISHED", "BLOCKED", "REVIEW", "REJECTED", "FAILED", "SUPERSEDED", "DELETED"]);

/** Upload a file; `onProgress` gets the share that was sent, from 0 to 1. Return the image's id. */
export async function upload(file, onProgress) {
  const form = await ask("uploads", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ content_type: file.type, bytes: file.size }),
  });
  await post(form, file, onProgress);
  return form.image_id;
}

/** Ask once a second until nothing more happens by itself; `onChange` gets every answer. */
export async function follow(imageId, onChange) {
  for (;;) {
    const image = await status(imageId);
    if (image) {
      onChange(image);
      if (FINAL.has(image.status)) return image;
    }
    await pause(POLL_MILLISECONDS);
  }
}

/** Return what the API says about an image now, with fresh links; null before its bytes have arrived. */
export async function status(imageId) {
  return ask(`images/${imageId}`, {}, true);
}

/** Send a file with a form. XMLHttpRequest, since fetch does not say how much was sent. */
function post({ url, fields }, file, onProgress) {
  const body = new FormData();
  Object.entries(fields).forEach(([name, value]) => body.append(name, value));
  body.append("file", file); // S3 ignores what comes after the file
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", url);
    request.upload.onprogress = ({ lengthComputable, loaded, total }) => {
      if (lengthComputable) onProgress(loaded / total);
    };
    request.onload = () => (request.status < 300 ? resolve() : reject(new Error(`S3 answered ${request.status}`)));
    request.onerror = () => reject(new Error("S3 cannot be reached, or the page's origin is not in api.corsOrigins"));
    request.send(body);
  });
}

async function ask(path, options, mayBeMissing = false) {
  for (;;) {
    const answer = await fetch(path, options);
    if (answer.ok) return answer.json();
    if (answer.status === 404 && mayBeMissing) return null;
    if (answer.status !== 429 && answer.status !== 503) throw new Error((await answer.json()).detail);
    await pause(1000 * Number(answer.headers.get("Retry-After") || 1));
  }
}

function pause(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
