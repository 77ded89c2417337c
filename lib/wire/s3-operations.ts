/** The table of S3 operations: which method and sub-resource make which, as its API reference names them. Reads no request. */

type Level = "bucket" | "object";

/** Operations that are not passed on as they are. */
export const OWN = [
  "AbortMultipartUpload",
  "CompleteMultipartUpload",
  "CopyObject",
  "CreateMultipartUpload",
  "DeleteObject",
  "DeleteObjects",
  "GetObject",
  "GetObjectAttributes",
  "HeadObject",
  "ListBuckets",
  "ListMultipartUploads",
  "ListObjectVersions",
  "ListObjects",
  "ListObjectsV2",
  "ListParts",
  "PutObject",
  "UploadPart",
  "UploadPartCopy",
] as const;

/** Operations by `METHOD sub-resource`, or by method alone where there is none. */
const TABLE: Record<Level, ReadonlyMap<string, string>> = {
  bucket: new Map([
    ["GET", "ListObjects"],
    ["HEAD", "HeadBucket"],
    ["PUT", "CreateBucket"],
    ["DELETE", "DeleteBucket"],
    ["GET list-type", "ListObjectsV2"],
    ["GET versions", "ListObjectVersions"],
    ["GET uploads", "ListMultipartUploads"],
    ["POST delete", "DeleteObjects"],
    ["GET location", "GetBucketLocation"],
    ["GET session", "CreateSession"],
    ["GET policyStatus", "GetBucketPolicyStatus"],
    ...documents("accelerate", "BucketAccelerateConfiguration", "GET PUT"),
    ...documents("acl", "BucketAcl", "GET PUT"),
    ...documents("analytics", "BucketAnalyticsConfiguration", "GET PUT DELETE"),
    ...documents("cors", "BucketCors", "GET PUT DELETE"),
    ...documents("encryption", "BucketEncryption", "GET PUT DELETE"),
    ...documents("intelligent-tiering", "BucketIntelligentTieringConfiguration", "GET PUT DELETE"),
    ...documents("inventory", "BucketInventoryConfiguration", "GET PUT DELETE"),
    ...documents("lifecycle", "BucketLifecycleConfiguration", "GET PUT"),
    ["DELETE lifecycle", "DeleteBucketLifecycle"],
    ...documents("logging", "BucketLogging", "GET PUT"),
    ...documents("metrics", "BucketMetricsConfiguration", "GET PUT DELETE"),
    ...documents("notification", "BucketNotificationConfiguration", "GET PUT"),
    ...documents("object-lock", "ObjectLockConfiguration", "GET PUT"),
    ...documents("ownershipControls", "BucketOwnershipControls", "GET PUT DELETE"),
    ...documents("policy", "BucketPolicy", "GET PUT DELETE"),
    ...documents("publicAccessBlock", "PublicAccessBlock", "GET PUT DELETE"),
    ...documents("replication", "BucketReplication", "GET PUT DELETE"),
    ...documents("requestPayment", "BucketRequestPayment", "GET PUT"),
    ...documents("tagging", "BucketTagging", "GET PUT DELETE"),
    ...documents("versioning", "BucketVersioning", "GET PUT"),
    ...documents("website", "BucketWebsite", "GET PUT DELETE"),
    ["OPTIONS", "OptionsBucket"],
  ]),
  object: new Map([
    ["GET", "GetObject"],
    ["HEAD", "HeadObject"],
    ["PUT", "PutObject"],
    ["DELETE", "DeleteObject"],
    ["GET attributes", "GetObjectAttributes"],
    ["GET uploadId", "ListParts"],
    ["PUT uploadId", "UploadPart"],
    ["POST uploads", "CreateMultipartUpload"],
    ["POST uploadId", "CompleteMultipartUpload"],
    ["DELETE uploadId", "AbortMultipartUpload"],
    ["POST restore", "RestoreObject"],
    ["GET torrent", "GetObjectTorrent"],
    ...documents("acl", "ObjectAcl", "GET PUT"),
    ...documents("legal-hold", "ObjectLegalHold", "GET PUT"),
    ...documents("retention", "ObjectRetention", "GET PUT"),
    ...documents("tagging", "ObjectTagging", "GET PUT DELETE"),
    ["OPTIONS", "OptionsObject"],
  ]),
};

function documents(subresource: string, name: string, methods: string): [string, string][] {
  return methods.split(" ").map((method) => {
    const verb = method[0]! + method.slice(1).toLowerCase();
    return [`${method} ${subresource}`, verb + name];
  });
}

/** The operation of a method on a bucket or an object, with the sub-resource that the query names. */
export function operationOf(level: Level, method: string, subresource: string | undefined): string | undefined {
  return TABLE[level].get(subresource === undefined ? method : `${method} ${subresource}`);
}

/** All sub-resources that are known, those included that no operation here has. */
export const SUBRESOURCES: ReadonlySet<string> = new Set([
  ...Object.values(TABLE).flatMap((rows) => [...rows.keys()].flatMap((row) => row.split(" ").slice(1))),
  "abac",
  "append",
  "metadataConfiguration",
  "metadataInventoryTable",
  "metadataJournalTable",
  "metadataTable",
  "position",
  "renameObject",
  "select",
  "select-type",
]);

/** Parameters that change an answer and no operation, in exactly this spelling. */
export const MODIFIERS: ReadonlySet<string> = new Set([
  "bucket-region",
  "continuation-token",
  "delimiter",
  "encoding-type",
  "fetch-owner",
  "id",
  "key-marker",
  "marker",
  "max-buckets",
  "max-keys",
  "max-parts",
  "max-uploads",
  "part-number-marker",
  "partNumber",
  "prefix",
  "response-cache-control",
  "response-content-disposition",
  "response-content-encoding",
  "response-content-language",
  "response-content-type",
  "response-expires",
  "start-after",
  "upload-id-marker",
  "version-id-marker",
  "versionId",
]);
