import { placeholder } from "./thumbhash.js";
import { follow, status, upload } from "./uploads.js";

const WORDS = {
  RECEIVED: "It has arrived.",
  PROCESSING: "It is being checked and prepared.",
  PUBLISHED: "",
  REVIEW: "A person must look at it first.",
  BLOCKED: "It is against the rules, and is not published.",
  REJECTED: "It cannot be processed.",
  FAILED: "Something went wrong on our side. We know.",
  SUPERSEDED: "A newer upload took its place.",
  DELETED: "It was deleted.",
};
const TYPES = ["avif", "webp"]; // better ones first; what a browser does not know it skips
const SIZES = "(max-width: 42rem) 100vw, 40rem"; // as wide as style.css makes it

document.getElementById("files").addEventListener("change", ({ target }) => {
  [...target.files].forEach(add);
  target.value = "";
});

async function add(file) {
  const item = document.getElementById("upload").content.firstElementChild.cloneNode(true);
  const progress = item.querySelector("progress");
  const says = item.querySelector("[role=status]");
  item.querySelector("h2").textContent = file.name;
  document.getElementById("uploads").prepend(item);
  try {
    const imageId = await upload(file, (share) => {
      progress.value = share;
    });
    progress.removeAttribute("value"); // how long the pipeline takes is not known
    const image = await follow(imageId, (now) => {
      says.textContent = WORDS[now.status] ?? now.status;
    });
    if (image.status === "REJECTED") says.textContent += ` (${image.reason})`;
    if (image.status === "PUBLISHED") show(item.querySelector(".media"), imageId, image, file.name);
  } catch (error) {
    says.textContent = error.message;
  }
  progress.remove();
}

/** Show the placeholder at once, and the picture over it when it has loaded. */
function show(place, imageId, image, alt) {
  const video = image.renditions.find(({ name }) => name === "video");
  place.style.aspectRatio = `${image.width} / ${image.height}`;
  if (image.placeholder) place.append(placeholder(image.placeholder, image.width, image.height));
  place.style.backgroundColor = image.dominant_colour ?? "";
  place.append(video ? player(video, image, alt) : picture(image, alt, () => status(imageId)));
}

/** Return a <picture> in which the browser chooses format and size. Links expire: `renew` asks for fresh ones, once. */
function picture(image, alt, renew) {
  const element = document.createElement("picture");
  const img = document.createElement("img");
  const uncropped = image.renditions.filter((each) => isWhole(each, image));
  const listed = uncropped.length ? uncropped : image.renditions;
  const of = (format) => listed.filter((each) => each.format === format);
  const srcset = (renditions) => renditions.map(({ url, width }) => `${url} ${width}w`).join(", ");
  for (const format of TYPES.filter((each) => of(each).length)) {
    const source = document.createElement("source");
    Object.assign(source, { type: `image/${format}`, srcset: srcset(of(format)), sizes: SIZES });
    element.append(source);
  }
  const common = listed.filter(({ format }) => !TYPES.includes(format));
  const fallback = common.length ? common : listed;
  Object.assign(img, { alt, width: image.width, height: image.height, decoding: "async", sizes: SIZES });
  img.onload = () => img.classList.add("loaded");
  img.onerror = async () => {
    const fresh = renew && (await renew());
    if (fresh?.status === "PUBLISHED") element.replaceWith(picture(fresh, alt, null));
  };
  img.srcset = srcset(fallback);
  img.src = fallback.reduce((best, each) => (each.width > best.width ? each : best)).url;
  element.append(img);
  return element;
}

/** Return whether a rendition shows the whole picture; a cropped one has other proportions. */
function isWhole({ width, height }, image) {
  return Math.abs(width * image.height - height * image.width) <= Math.max(image.width, image.height);
}

function player(video, image, alt) {
  const poster = image.renditions.find(({ name, format }) => name !== "video" && format === "jpeg");
  const element = document.createElement("video");
  Object.assign(element, { src: video.url, controls: true, preload: "metadata", poster: poster?.url ?? "" });
  element.setAttribute("aria-label", alt);
  return element;
}
