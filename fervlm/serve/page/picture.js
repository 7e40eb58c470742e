// A file becomes an upright picture to show and a data URL to send; the camera gives such a file.

import { at } from "./make.js";

const SHOWN = 2048;

const dataUrl = (blob) =>
  new Promise((done, fail) => {
    const reader = new FileReader();
    reader.onload = () => done(reader.result);
    reader.onerror = () => fail(new Error("The file cannot be read."));
    reader.readAsDataURL(blob);
  });

// { url, wide, high, data, file }; wide is 0 where this browser cannot show the format.
export async function opened(file) {
  const data = await dataUrl(file);
  let bitmap;
  try {
    bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
  } catch {
    return { url: null, wide: 0, high: 0, data, file };
  }
  const { width: wide, height: high } = bitmap;
  const scale = Math.min(1, SHOWN / Math.max(wide, high));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(wide * scale));
  canvas.height = Math.max(1, Math.round(high * scale));
  canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  const blob = await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.92));
  return { url: URL.createObjectURL(blob), wide, high, data, file };
}

// A picture from the camera, or null.
export async function taken() {
  const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "user" } });
  const dialog = at("camera");
  const video = at("video");
  video.srcObject = stream;
  await video.play();
  dialog.showModal();
  try {
    return await new Promise((done) => {
      at("snap").onclick = () => {
        const canvas = document.createElement("canvas");
        canvas.width = video.videoWidth;
        canvas.height = video.videoHeight;
        canvas.getContext("2d").drawImage(video, 0, 0);
        canvas.toBlob((blob) => done(new File([blob], "camera.jpg", { type: "image/jpeg" })), "image/jpeg", 0.92);
      };
      at("nosnap").onclick = () => done(null);
      dialog.oncancel = () => done(null);
    });
  } finally {
    for (const track of stream.getTracks()) track.stop();
    video.srcObject = null;
    dialog.close();
  }
}
