/** boto3 deletes many objects of a real Swift under a policy: those that it may are gone, it is told of the others, and they are there. */
import { expect, test } from "bun:test";
import { Boto3, BOTO3_NEEDS } from "../../support/boto3.ts";
import { askSigned } from "../../support/s3-signed.ts";
import { scenario } from "../../support/scenario.ts";
import { openS3Stage } from "../../support/s3-stage.ts";
import { SWIFT_NEEDS } from "../../support/swift.ts";

const BUCKET = "shared";
const POLICY = `
policy kept { when s3.operation == "DeleteObject" and s3.key =~ "^kept/" action deny }
policy rest { when s3.bucket == "${BUCKET}" action allow }
`;

scenario(import.meta.file, [...SWIFT_NEEDS, ...BOTO3_NEEDS], ({ scene, portail }) => {
  test("each key by itself", async () => {
    const stage = await openS3Stage(scene, portail, BUCKET);
    const { place, proxy } = await stage.proxy({ args: ["--acl", scene.write("s3.acl", POLICY)] });
    const s3 = new Boto3(scene, place);
    const keys = ["kept/a & b", "loose/a & b", "kept/2", "loose/2"];
    for (const key of keys) await askSigned(place, "PUT", encodeURI(key).replaceAll("&", "%26"), { body: key });
    const list = async () => {
      const { Contents = [] } = await s3.call("list_objects_v2", { Bucket: BUCKET });
      return (Contents as { Key: string }[]).map(({ Key }) => Key);
    };
    expect(await list()).toEqual(keys.toSorted());

    const remove = (names: readonly string[], Quiet: boolean) =>
      s3.call("delete_objects", { Bucket: BUCKET, Delete: { Objects: names.map((Key) => ({ Key })), Quiet } });
    const told = await remove(keys, false);
    expect(told.status).toBe(200);
    // Swift deletes several at a time.
    const deleted = (told["Deleted"] as { Key: string }[]).map(({ Key }) => Key);
    expect(deleted.toSorted()).toEqual(["loose/2", "loose/a & b"]);
    const errors = told["Errors"] as { Key: string; Code: string }[];
    expect(errors.map(({ Key, Code }) => [Key, Code])).toEqual([
      ["kept/a & b", "AccessDenied"],
      ["kept/2", "AccessDenied"],
    ]);
    expect(await list()).toEqual(["kept/2", "kept/a & b"]);
    expect(await remove(["kept/2"], true)).toMatchObject({ status: 200, Errors: [{ Key: "kept/2" }] });
    expect(await list()).toEqual(["kept/2", "kept/a & b"]);

    await proxy.trail.record("object", ({ operation, received }) => operation === "DeleteObjects" && received < 150);
    const denied = proxy.trail.of("object").filter(({ outcome }) => outcome === "denied");
    expect(denied.map(({ operation, key, policy }) => [operation, key, policy])).toEqual([
      ["DeleteObject", "kept/a & b", "kept"],
      ["DeleteObject", "kept/2", "kept"],
      ["DeleteObject", "kept/2", "kept"],
    ]);
  }, 120_000);
});
