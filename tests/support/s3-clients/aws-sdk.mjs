/** The AWS SDK for JavaScript as a program: `node aws-sdk.mjs FOLDER PLACE`, with the packages in FOLDER; answers as json-lines.mjs does. */
import { createReadStream, createWriteStream } from "node:fs";
import { open, readFile, stat } from "node:fs/promises";
import { createRequire } from "node:module";
import { pipeline } from "node:stream/promises";
import { serve } from "./json-lines.mjs";

const [, , folder, text] = process.argv;
const load = createRequire(`${folder}/`);
const s3 = load("@aws-sdk/client-s3");
const { Upload } = load("@aws-sdk/lib-storage");
const { getSignedUrl } = load("@aws-sdk/s3-request-presigner");
const place = JSON.parse(text);
const Bucket = place.bucket;
const client = new s3.S3Client({
  endpoint: place.endpoint,
  region: place.region,
  credentials: { accessKeyId: place.access, secretAccessKey: place.secret },
  forcePathStyle: true,
  ...(place.withoutChecksums && {
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
  }),
});

serve({
  put: async (file, Key) => void (await send("PutObject", { Key, Body: await readFile(file) })),

  /** Its length is known, its checksum only once it is gone. */
  putStream: async (file, Key) => {
    const { size } = await stat(file);
    await send("PutObject", { Key, Body: createReadStream(file), ContentLength: size });
  },

  multipart: async (file, Key, partSize) => {
    await new Upload({ client, params: { Bucket, Key, Body: createReadStream(file) }, partSize, queueSize: 4 }).done();
  },

  get: async (Key, file) => {
    const { Body } = await send("GetObject", { Key });
    await pipeline(Body, createWriteStream(file));
  },

  getRange: async (Key, first, last) => {
    const { Body } = await send("GetObject", { Key, Range: `bytes=${first}-${last}` });
    return Buffer.from(await Body.transformToByteArray()).toString("base64");
  },

  /** Four at a time, each only of the object that was there at the start. */
  parallelGet: async (Key, file, ranges) => {
    const { ETag } = await send("HeadObject", { Key });
    const out = await open(file, "w");
    const queue = [...ranges];
    const worker = async () => {
      for (let range = queue.shift(); range; range = queue.shift()) {
        const { Body } = await send("GetObject", { Key, Range: `bytes=${range[0]}-${range[1]}`, IfMatch: ETag });
        const bytes = await Body.transformToByteArray();
        await out.write(bytes, 0, bytes.length, range[0]);
      }
    };
    await Promise.all(Array.from({ length: 4 }, worker));
    await out.close();
  },

  list: async (Prefix) => {
    const found = [];
    for await (const { Contents = [] } of s3.paginateListObjectsV2({ client }, { Bucket, Prefix }))
      found.push(...Contents.map(({ Key, Size }) => ({ key: Key, size: Size })));
    return found;
  },

  head: async (Key) => {
    const { ContentLength, ETag } = await send("HeadObject", { Key });
    return { size: ContentLength, etag: ETag && JSON.parse(ETag) };
  },

  copy: async (from, Key) => void (await send("CopyObject", { Key, CopySource: `${Bucket}/${encodeURI(from)}` })),

  delete: async (Key) => void (await send("DeleteObject", { Key })),

  presign: (method, Key, expiresIn) =>
    getSignedUrl(client, new s3[method === "PUT" ? "PutObjectCommand" : "GetObjectCommand"]({ Bucket, Key }), {
      expiresIn,
    }),

  /** Any command. `BodyBase64` stands for a body, and of an answer's body only its bytes come back, in that form. */
  send: async (name, { BodyBase64, ...input }) => {
    const Body = BodyBase64 === undefined ? undefined : Buffer.from(BodyBase64, "base64");
    const answer = await send(name, { ...input, ...(Body && { Body }) });
    if (name !== "GetObject") return answer;
    const bytes = Buffer.from(await answer.Body.transformToByteArray());
    return { ...answer, Body: undefined, BodyBase64: bytes.toString("base64") };
  },
});

function send(name, input) {
  return client.send(new s3[`${name}Command`]({ Bucket, ...input }));
}
