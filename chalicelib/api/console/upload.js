// A file of this machine on its way into the bucket, by a form that the API signs.

import { ask } from "./api.js";
import { size } from "./dom.js";

// Where the file is then (`address`), and all that were sent for the source (`folder`). The bucket has a rule that lets
// this page send there and read the answer. Raises ApiError, Error.
/** @param {string} name @param {File} file @param {AbortSignal} signal */
export async function upload(name, file, signal) {
  const path = `sources/${encodeURIComponent(name)}/files`;
  const { data } = await ask(path, { method: "POST", body: { file: file.name }, signal });
  if (data.most_bytes && file.size > data.most_bytes) {
    throw new Error(
      `${file.name} has ${size(file.size)}, and a file may have ${size(data.most_bytes)}. Put it into a bucket, and give its address.`,
    );
  }
  const form = new FormData();
  for (const [key, value] of Object.entries(data.fields)) form.append(key, value);
  form.append("file", file);
  await send(data.url, form, file.name, signal);
  return data;
}

/** @param {string} url @param {FormData} form @param {string} name @param {AbortSignal} signal */
async function send(url, form, name, signal) {
  let answer;
  try {
    answer = await fetch(url, { method: "POST", body: form, credentials: "omit", signal });
  } catch (error) {
    if (signal.aborted) throw error;
    throw new Error(
      `${name} could not be sent. Check the connection, and that the bucket takes files from this page.`,
      {
        cause: error,
      },
    );
  }
  if (answer.ok) return;
  const [, code] = /<Code>([A-Za-z]{1,60})<\/Code>/.exec(await answer.text()) ?? [];
  throw new Error(`The bucket refuses ${name} (${code ?? `HTTP ${answer.status}`}). Try again.`);
}

// A name such as a source may have, of what a file or an address is called.
/** @param {string} address */
export function nameOf(address) {
  const [path] = address.split(/[?#]/);
  const last =
    path
      .split(/[\\/]/)
      .filter((part) => part && !part.includes("*"))
      .at(-1) ?? "";
  const plain = last
    .replace(/(\.[a-z0-9]{1,7})+$/i, "")
    .normalize("NFKD")
    .replaceAll(/\p{M}/gu, "");
  return plain
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .slice(0, 40)
    .replaceAll(/^-+|-+$/g, "");
}
