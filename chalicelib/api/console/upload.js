// A file of this machine on its way into the bucket, by a form that the API signs.

import { ask } from "./api.js";
import { size } from "./dom.js";

// The address of all files of the source. A page may send there and learns nothing of the answer, so that the bucket
// needs no word about pages: whether a file has come shows when the source is looked at. Raises ApiError, Error.
export async function upload(name, file, signal) {
  const path = `sources/${encodeURIComponent(name)}/files`;
  const { data } = await ask(path, { method: "POST", body: { file: file.name }, signal });
  if (data.most_bytes && file.size > data.most_bytes)
    throw new Error(
      `${file.name} has ${size(file.size)}, and a file may have ${size(data.most_bytes)}. Put it into a bucket, and give its address.`,
    );
  const form = new FormData();
  for (const [key, value] of Object.entries(data.fields)) form.append(key, value);
  form.append("file", file);
  try {
    await fetch(data.url, { method: "POST", body: form, mode: "no-cors", credentials: "omit", signal });
  } catch (error) {
    if (signal.aborted) throw error;
    throw new Error(`${file.name} could not be sent. Check the connection, and try again.`);
  }
  return data.address;
}

// A name such as a source may have, of what a file or an address is called.
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
