// The files of a published site: each compressed, from a web host or, where the page was opened from disk, as a script that
// gives it, because a browser reads no other file there.

const HERE = "data/";
const native = globalThis.fetch?.bind(globalThis);
const given = new Map(); // name -> what a script has given, in base64

/** What `data/NAME` holds. @param {string} name @param {AbortSignal} [signal] @returns {Promise<ArrayBuffer>} */
export async function unpack(name, signal) {
  return inflated(window.location.protocol === "file:" ? await fromDisk(name) : await fromHost(name, signal));
}

/** @param {string} name */
export async function textOf(name) {
  return new TextDecoder().decode(await unpack(name));
}

// Some hosts say that a compressed file is one: then the browser has unpacked it already.
/** @param {Uint8Array<ArrayBuffer>} bytes @returns {Promise<ArrayBuffer>} */
export async function inflated(bytes) {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes.slice().buffer;
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
}

async function fromHost(name, signal) {
  const answer = await native(`${HERE}${name}.bin`, { signal });
  if (!answer.ok) throw new Error(`The file ${HERE}${name}.bin of this site did not come: its host answered ${answer.status}.`);
  return new Uint8Array(await answer.arrayBuffer());
}

function fromDisk(name) {
  window.gradvizGive ??= (which, text) => given.set(which, text);
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = `${HERE}${name}.js`;
    script.addEventListener("load", () => {
      const text = given.get(name);
      given.delete(name);
      script.remove();
      resolve(Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)));
    });
    script.addEventListener("error", () => reject(new Error(`The file ${HERE}${name}.js is not there: a site as large as this does not open from disk. Put it on a web server, such as \`python -m http.server\` in its directory.`)));
    document.head.append(script);
  });
}
