// The vendored JSON schemas, by the address that a file gives as its $schema.
import { EventEmitter } from "node:events";
import fs from "node:fs";
import https from "node:https";
import path from "node:path";
import { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import zlib from "node:zlib";

const FOLDER = fileURLToPath(new URL("../schemas", import.meta.url));
const PUBLISHED = "/json-schemas/";

/// The text of a schema, or null where it is not vendored.
export function schemaText(address) {
  const url = new URL(address);
  const at = url.pathname.indexOf(PUBLISHED);
  if (at >= 0) {
    const file = path.join(FOLDER, url.pathname.slice(at + PUBLISHED.length));
    return fs.existsSync(file) ? fs.readFileSync(file, "utf8") : null;
  }
  const packed = path.join(FOLDER, `${path.posix.basename(url.pathname)}.gz`);
  return fs.existsSync(packed) ? zlib.gunzipSync(fs.readFileSync(packed)).toString("utf8") : null;
}

/// Answers requests for schemas from the folder instead of the network, and collects the addresses that are not there.
export function serveLocally() {
  const missing = new Set();
  https.get = (address, options, respond) => {
    const text = schemaText(String(address));
    if (text === null) missing.add(String(address));
    const response = Object.assign(Readable.from(text === null ? [] : [text]), { statusCode: text === null ? 404 : 200, headers: {} });
    setImmediate(() => (respond ?? options)(response));
    return Object.assign(new EventEmitter(), { destroy() {} });
  };
  return missing;
}
