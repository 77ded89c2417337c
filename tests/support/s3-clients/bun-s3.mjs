/** Bun's own S3 client as a program: `bun bun-s3.mjs PLACE`; answers as json-lines.mjs does. */
import { open } from "node:fs/promises";
import { serve } from "./json-lines.mjs";

const place = JSON.parse(process.argv[2]);
const client = new Bun.S3Client({
  endpoint: place.endpoint,
  region: place.region,
  bucket: place.bucket,
  accessKeyId: place.access,
  secretAccessKey: place.secret,
});

serve({
  put: async (file, key) => void (await client.write(key, await Bun.file(file).bytes())),

  putStream: async (file, key) => {
    const writer = client.file(key).writer();
    for await (const chunk of Bun.file(file).stream()) {
      writer.write(chunk);
      await writer.flush();
    }
    await writer.end();
  },

  multipart: async (file, key, partSize) => void (await client.write(key, Bun.file(file), { partSize, queueSize: 4 })),

  get: async (key, file) => void (await Bun.write(file, client.file(key))),

  getRange: async (key, first, last) =>
    Buffer.from(
      await client
        .file(key)
        .slice(first, last + 1)
        .bytes(),
    ).toString("base64"),

  parallelGet: async (key, file, ranges) => {
    const out = await open(file, "w");
    const queue = [...ranges];
    const worker = async () => {
      for (let range = queue.shift(); range; range = queue.shift()) {
        const bytes = await client
          .file(key)
          .slice(range[0], range[1] + 1)
          .bytes();
        await out.write(bytes, 0, bytes.length, range[0]);
      }
    };
    await Promise.all(Array.from({ length: 4 }, worker));
    await out.close();
  },

  list: async (prefix) => {
    const { contents = [] } = await client.list({ prefix });
    return contents.map(({ key, size }) => ({ key, size }));
  },

  head: async (key) => {
    const { size, etag } = await client.stat(key);
    return { size, etag: etag?.replaceAll('"', "") };
  },

  delete: async (key) => void (await client.delete(key)),

  presign: async (method, key, expiresIn) => client.presign(key, { method, expiresIn }),
});
