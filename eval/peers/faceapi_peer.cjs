// The far side of faceapi_peer.py: one JSON line a picture in ({width, height, rgb, crop}), one line of scores out.
"use strict";

const { createRequire } = require("node:module");
const { dirname, join, resolve } = require("node:path");
const { createInterface } = require("node:readline");

const load = createRequire(join(resolve(process.argv[2]), "here.js"));
const tf = load("@tensorflow/tfjs");
const wasm = load("@tensorflow/tfjs-backend-wasm");
const faceapi = load("@vladmandic/face-api/dist/face-api.node-wasm.js");
const folder = (name) => dirname(load.resolve(`${name}/package.json`));
const say = (told) => process.stdout.write(`${JSON.stringify(told)}\n`);

async function begin() {
  wasm.setWasmPaths(`${join(folder("@tensorflow/tfjs-backend-wasm"), "dist")}/`);
  await tf.setBackend("wasm");
  await tf.ready();
  const models = join(folder("@vladmandic/face-api"), "model");
  await faceapi.nets.faceExpressionNet.loadFromDisk(models);
  await faceapi.nets.ssdMobilenetv1.loadFromDisk(models);
  say({ version: String(faceapi.version) });
}

// A crop goes to the expression net as it is; in a whole picture the largest face that the package finds counts.
async function look(asked) {
  const pixels = new Uint8Array(Buffer.from(asked.rgb, "base64"));
  const picture = tf.tensor3d(pixels, [asked.height, asked.width, 3], "int32");
  try {
    if (asked.crop) return { scores: { ...(await faceapi.nets.faceExpressionNet.predictExpressions(picture)) } };
    const faces = await faceapi.detectAllFaces(picture).withFaceExpressions();
    if (!faces.length) return { error: "no face was found" };
    const largest = faces.reduce((a, b) => (b.detection.box.area > a.detection.box.area ? b : a));
    return { scores: { ...largest.expressions } };
  } finally {
    picture.dispose();
  }
}

begin().then(async () => {
  for await (const line of createInterface({ input: process.stdin })) {
    try {
      say(await look(JSON.parse(line)));
    } catch (error) {
      say({ error: String(error.message || error) });
    }
  }
});
