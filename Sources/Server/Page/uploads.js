// Pictures that are searched by: dropped on the page, pasted, or chosen from a file.

import { upload } from "./api.js";
import { byId } from "./elements.js";

/** Addresses of the pictures uploaded in this session, by token, for their chips. */
export const previews = new Map();

/** How many previews are kept: each holds its file in memory. */
const MAXIMUM_PREVIEWS = 20;

/**
 * Listens for pictures.
 * @param {Object} actions
 * @param {() => void} actions.began Called when an upload begins.
 * @param {(token: string, isAdded: boolean) => void} actions.uploaded Called with its token; `isAdded` where it
 *   was put into the search box, beside what is there, rather than anywhere else on the page.
 * @param {(problem: Error) => void} actions.failed
 */
export function listenForPictures(actions) {
  const box = byId("search");
  const overlay = byId("drop");
  const file = byId("file");

  const send = async (picture, isAdded) => {
    actions.began();
    try {
      const { upload: token } = await upload(picture);
      keepPreview(token, picture);
      actions.uploaded(token, isAdded);
    } catch (problem) {
      actions.failed(problem);
    }
  };

  // Pictures of the page itself can be dragged too; they are not what is meant.
  let isOwn = false;
  document.addEventListener("dragstart", () => { isOwn = true; });
  document.addEventListener("dragend", () => { isOwn = false; });

  const hasFile = (event) => !isOwn && event.dataTransfer?.types.includes("Files");
  document.addEventListener("dragover", (event) => {
    if (!hasFile(event)) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "copy";
    overlay.hidden = false;
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) overlay.hidden = true;
  });
  document.addEventListener("drop", (event) => {
    overlay.hidden = true;
    if (!hasFile(event)) return;
    event.preventDefault();
    const picture = firstPicture(event.dataTransfer.files);
    if (picture) send(picture, box.contains(event.target));
    else actions.failed(new Error("This is not a picture."));
  });

  document.addEventListener("paste", (event) => {
    const picture = firstPicture(event.clipboardData?.files ?? []);
    if (!picture) return;
    event.preventDefault();
    send(picture, box.contains(event.target) && byId("text").value.trim() !== "");
  });

  file.addEventListener("change", () => {
    if (file.files[0]) send(file.files[0], false);
    // So that choosing the same file again is a change.
    file.value = "";
  });
}

/** Of files without a type (raw formats, often) the server decides whether it can read them. */
function firstPicture(files) {
  return [...files].find((file) => file.type === "" || file.type.startsWith("image/"));
}

function keepPreview(token, picture) {
  if (previews.has(token)) return;
  previews.set(token, URL.createObjectURL(picture));
  if (previews.size <= MAXIMUM_PREVIEWS) return;
  const [oldest, address] = previews.entries().next().value;
  URL.revokeObjectURL(address);
  previews.delete(oldest);
}
