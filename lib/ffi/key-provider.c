/*
 * A provider of OpenSSL 3 and later for private keys that are elsewhere: whoever signs with one is paused until the
 * program has the signature. Does no cryptography, and needs no header: it is compiled when the program first uses it.
 *
 * It is C since what pauses must not have a frame of another language below it: OpenSSL swaps the stack (ASYNC_pause_job).
 */

typedef unsigned long size;

/* Of <openssl/core.h>. */
struct dispatch { int id; void *function; };
struct algorithm { const char *names; const char *properties; const struct dispatch *functions; const char *description; };
struct param { const char *key; unsigned int type; void *data; size length; size returned; };

enum { PARAM_INTEGER = 1, PARAM_UNSIGNED = 2, PARAM_TEXT = 4, PARAM_OCTETS = 5 };
enum { OPERATION_KEYMGMT = 10, OPERATION_SIGNATURE = 12 };
enum { SELECT_PRIVATE = 1, SELECT_PUBLIC = 2 };
enum { RSA, EC, ED25519 };
enum { PAD_PKCS1 = 1, PAD_PSS = 6 };
enum { WAITING, DONE, FAILED };

/* The library's own functions, set once. */
static void *(*zalloc)(size, const char *, int);
static void (*release)(void *, const char *, int);
static int (*pause_job)(void);
static void *(*current_job)(void);
static void *(*get_ex_data)(void *, int);

/* The number of the key that is imported next, 0 for one that has no private half. */
static int next_handle;

struct key {
  int kind;
  int handle;
  int bits;
  int security;
  int most;
  char group[40];
  /* The public half as the library's own provider writes it: n and e, or pub. */
  unsigned char *parts[2];
  size lengths[2];
};

struct context {
  struct key *key;
  int padding;
  char digest[40];
};

/* What the program reads of a signature that is wanted; it is on the stack of the job that is paused. */
struct request {
  int handle;
  int padding;
  const unsigned char *message;
  size message_length;
  unsigned char *signature;
  size room;
  size length;
  int state;
  char digest[40];
};

static struct request *wanted;

static int same(const char *a, const char *b) {
  while (*a && *a == *b) { a++; b++; }
  return *a == *b;
}

static size copy_text(char *to, const char *from, size room) {
  size i = 0;
  while (from[i] && i + 1 < room) { to[i] = from[i]; i++; }
  to[i] = 0;
  return i;
}

static size text_length(const char *text) {
  size i = 0;
  while (text[i]) i++;
  return i;
}

/* Keys. */

static void *new_key(int kind) {
  struct key *key = zalloc(sizeof(struct key), "", 0);
  if (key) key->kind = kind;
  return key;
}
static void *new_rsa(void *provider) { return new_key(RSA); }
static void *new_ec(void *provider) { return new_key(EC); }
static void *new_ed25519(void *provider) { return new_key(ED25519); }

static void free_key(void *data) {
  struct key *key = data;
  if (!key) return;
  release(key->parts[0], "", 0);
  release(key->parts[1], "", 0);
  release(key, "", 0);
}

static int has(const void *data, int selection) {
  const struct key *key = data;
  if (!key) return 0;
  if ((selection & SELECT_PRIVATE) && key->handle == 0) return 0;
  if ((selection & SELECT_PUBLIC) && !key->parts[0]) return 0;
  return 1;
}

static int match(const void *one, const void *other, int selection) {
  const struct key *a = one, *b = other;
  int part;
  size i;
  if (a->kind != b->kind || !same(a->group, b->group) || !a->parts[0] || !b->parts[0]) return 0;
  for (part = 0; part < 2; part++) {
    if (a->lengths[part] != b->lengths[part]) return 0;
    for (i = 0; i < a->lengths[part]; i++) if (a->parts[part][i] != b->parts[part][i]) return 0;
  }
  return 1;
}

static int keep(struct key *key, int part, const struct param *param) {
  const unsigned char *from = param->data;
  size i, length = param->length;
  unsigned char *bytes;
  /* Numbers are little-endian here, and may have zeros behind them. */
  if (key->kind == RSA) while (length > 0 && from[length - 1] == 0) length--;
  if (length == 0 || length > 65536) return 0;
  bytes = zalloc(length, "", 0);
  if (!bytes) return 0;
  for (i = 0; i < length; i++) bytes[i] = from[i];
  release(key->parts[part], "", 0);
  key->parts[part] = bytes;
  key->lengths[part] = length;
  return 1;
}

static int measure(struct key *key) {
  if (!key->parts[0]) return 0;
  if (key->kind == ED25519) {
    key->bits = 256; key->security = 128; key->most = 64;
  } else if (key->kind == RSA) {
    int top = key->parts[0][key->lengths[0] - 1];
    if (!key->parts[1]) return 0;
    key->most = (int)key->lengths[0];
    key->bits = (key->most - 1) * 8;
    while (top) { key->bits++; top >>= 1; }
    /* NIST SP 800-57 part 1, table 2. */
    key->security = key->bits >= 15360 ? 256 : key->bits >= 7680 ? 192 : key->bits >= 3072 ? 128 : key->bits >= 2048 ? 112 : key->bits >= 1024 ? 80 : 0;
  } else if (same(key->group, "prime256v1") || same(key->group, "P-256")) {
    key->bits = 256; key->security = 128; key->most = 72;
  } else if (same(key->group, "secp384r1") || same(key->group, "P-384")) {
    key->bits = 384; key->security = 192; key->most = 104;
  } else if (same(key->group, "secp521r1") || same(key->group, "P-521")) {
    key->bits = 521; key->security = 256; key->most = 139;
  } else return 0;
  return 1;
}

static int import(void *data, int selection, const struct param *params) {
  struct key *key = data;
  const struct param *param;
  if (!key) return 0;
  for (param = params; param && param->key; param++) {
    if (!param->data) continue;
    if (same(param->key, "group") && param->type == PARAM_TEXT) copy_text(key->group, param->data, param->length + 1 < sizeof(key->group) ? param->length + 1 : sizeof(key->group));
    if (key->kind == RSA && same(param->key, "n") && !keep(key, 0, param)) return 0;
    if (key->kind == RSA && same(param->key, "e") && !keep(key, 1, param)) return 0;
    if (key->kind != RSA && same(param->key, "pub") && !keep(key, 0, param)) return 0;
  }
  key->handle = next_handle;
  return measure(key);
}

static const struct param importable[] = {
  { "group", PARAM_TEXT, 0, 0, 0 },
  { "pub", PARAM_OCTETS, 0, 0, 0 },
  { "n", PARAM_UNSIGNED, 0, 0, 0 },
  { "e", PARAM_UNSIGNED, 0, 0, 0 },
  { 0, 0, 0, 0, 0 }
};
static const struct param *import_types(int selection) { return importable; }

static int give_number(struct param *param, int number) {
  param->returned = sizeof(int);
  if (!param->data) return 1;
  if (param->length < sizeof(int)) return 0;
  if (param->length == sizeof(long)) { *(long *)param->data = number; param->returned = sizeof(long); }
  else *(int *)param->data = number;
  return 1;
}

static int give_text(struct param *param, const char *text) {
  size length = text_length(text);
  param->returned = length;
  if (!param->data) return 1;
  if (param->length < length) return 0;
  copy_text(param->data, text, param->length < length + 1 ? param->length : length + 1);
  return 1;
}

static int get_params(void *data, struct param *params) {
  struct key *key = data;
  struct param *param;
  for (param = params; param && param->key; param++) {
    int given = 1;
    if (same(param->key, "bits")) given = give_number(param, key->bits);
    else if (same(param->key, "security-bits")) given = give_number(param, key->security);
    else if (same(param->key, "max-size")) given = give_number(param, key->most);
    else if (key->kind == EC && same(param->key, "group")) given = give_text(param, key->group);
    else if (key->kind == EC && same(param->key, "point-format")) given = give_text(param, "uncompressed");
    else if (key->kind == ED25519 && same(param->key, "mandatory-digest")) given = give_text(param, "");
    else if (key->kind != ED25519 && same(param->key, "default-digest")) given = give_text(param, "SHA256");
    if (!given) return 0;
  }
  return 1;
}

static const struct param gettable[] = {
  { "bits", PARAM_INTEGER, 0, 0, 0 },
  { "security-bits", PARAM_INTEGER, 0, 0, 0 },
  { "max-size", PARAM_INTEGER, 0, 0, 0 },
  { "group", PARAM_TEXT, 0, 0, 0 },
  { "point-format", PARAM_TEXT, 0, 0, 0 },
  { "mandatory-digest", PARAM_TEXT, 0, 0, 0 },
  { "default-digest", PARAM_TEXT, 0, 0, 0 },
  { 0, 0, 0, 0, 0 }
};
static const struct param *gettable_params(void *provider) { return gettable; }

static const char *operation_rsa(int operation) { return "RSA"; }
static const char *operation_ec(int operation) { return "ECDSA"; }
static const char *operation_ed25519(int operation) { return "ED25519"; }

/* Signatures. */

static void *new_context(void *provider, const char *properties) {
  return zalloc(sizeof(struct context), "", 0);
}

static void free_context(void *context) { release(context, "", 0); }

static int set_params(void *data, const struct param *params) {
  struct context *context = data;
  const struct param *param;
  for (param = params; param && param->key; param++) {
    if (!param->data) continue;
    if (same(param->key, "pad-mode")) {
      if (param->type == PARAM_INTEGER || param->type == PARAM_UNSIGNED) context->padding = *(int *)param->data;
      else context->padding = same(param->data, "pss") ? PAD_PSS : same(param->data, "pkcs1") ? PAD_PKCS1 : 0;
      if (context->padding != PAD_PSS && context->padding != PAD_PKCS1) return 0;
    }
    /* As long as the digest: what TLS has, and the only one that is made. */
    if (same(param->key, "saltlen")) {
      if (param->type == PARAM_INTEGER) { if (*(int *)param->data != -1) return 0; }
      else if (!same(param->data, "digest") && !same(param->data, "-1")) return 0;
    }
  }
  return 1;
}

static const struct param settable[] = {
  { "pad-mode", PARAM_INTEGER, 0, 0, 0 },
  { "saltlen", PARAM_INTEGER, 0, 0, 0 },
  { 0, 0, 0, 0, 0 }
};
static const struct param *settable_params(void *context, void *provider) { return settable; }

static int sign_init(void *data, const char *digest, void *key, const struct param *params) {
  struct context *context = data;
  if (!context || !key || ((struct key *)key)->handle == 0) return 0;
  context->key = key;
  context->padding = PAD_PKCS1;
  copy_text(context->digest, digest ? digest : "", sizeof(context->digest));
  return set_params(context, params);
}

static int sign(void *data, unsigned char *signature, size *length, size room, const unsigned char *message, size message_length) {
  struct context *context = data;
  struct request request;
  if (!context || !context->key) return 0;
  if (!signature) { *length = context->key->most; return 1; }
  request.handle = context->key->handle;
  request.padding = context->key->kind == RSA ? context->padding : 0;
  request.message = message;
  request.message_length = message_length;
  request.signature = signature;
  request.room = room;
  request.length = 0;
  request.state = WAITING;
  copy_text(request.digest, context->digest, sizeof(request.digest));
  while (request.state == WAITING) {
    /* Outside of a job nothing could wait. */
    if (!current_job()) return 0;
    wanted = &request;
    if (!pause_job()) return 0;
  }
  *length = request.length;
  return request.state == DONE;
}

/* What the library is told. */

#define KEYS(name) \
  static const struct dispatch name##_keys[] = { \
    { 1, new_##name }, { 10, free_key }, { 11, get_params }, { 12, gettable_params }, { 20, operation_##name }, \
    { 21, has }, { 23, match }, { 40, import }, { 41, import_types }, { 0, 0 } \
  };
KEYS(rsa)
KEYS(ec)
KEYS(ed25519)

static const struct dispatch signatures[] = {
  { 1, new_context }, { 8, sign_init }, { 11, sign }, { 16, free_context }, { 20, set_params }, { 21, settable_params }, { 0, 0 }
};

#define PROPERTIES "provider=portail-key"
static const struct algorithm key_algorithms[] = {
  { "RSA:rsaEncryption:1.2.840.113549.1.1.1", PROPERTIES, rsa_keys, "" },
  { "EC:id-ecPublicKey:1.2.840.10045.2.1", PROPERTIES, ec_keys, "" },
  { "ED25519:1.3.101.112", PROPERTIES, ed25519_keys, "" },
  { 0, 0, 0, 0 }
};
static const struct algorithm signature_algorithms[] = {
  { "RSA:rsaEncryption:1.2.840.113549.1.1.1", PROPERTIES, signatures, "" },
  { "ECDSA", PROPERTIES, signatures, "" },
  { "ED25519:1.3.101.112", PROPERTIES, signatures, "" },
  { 0, 0, 0, 0 }
};

static const struct algorithm *query(void *provider, int operation, int *no_cache) {
  *no_cache = 0;
  if (operation == OPERATION_KEYMGMT) return key_algorithms;
  if (operation == OPERATION_SIGNATURE) return signature_algorithms;
  return 0;
}

static void teardown(void *provider) {}

static const struct dispatch provider_functions[] = { { 1024, teardown }, { 1027, query }, { 0, 0 } };

static int provider_init(const void *handle, const struct dispatch *in, const struct dispatch **out, void **provider) {
  *out = provider_functions;
  *provider = (void *)handle;
  return 1;
}

/* The first of our protocol ids that the client has too; what is ours is at the connection, its length in front. */
static int select_protocol(void *ssl, const unsigned char **out, unsigned char *out_length, const unsigned char *in, unsigned int in_length, void *unused) {
  const unsigned char *ours = get_ex_data(ssl, 0);
  unsigned int our_length, i, j, k;
  if (!ours) return 3; /* SSL_TLSEXT_ERR_NOACK */
  our_length = ours[0] << 8 | ours[1];
  ours += 2;
  for (i = 0; i < our_length; i += ours[i] + 1)
    for (j = 0; j < in_length && j + in[j] < in_length; j += in[j] + 1) {
      for (k = 0; k <= ours[i] && ours[i + k] == in[j + k]; k++) {}
      if (k <= ours[i]) continue;
      *out = in + j + 1;
      *out_length = in[j];
      return 0;
    }
  return 2; /* SSL_TLSEXT_ERR_ALERT_FATAL */
}

/* For who judges certificates in another way. */
static int accept_any(int verified, void *store) { return 1; }

/* What the program calls. */

void setup(void *a, void *b, void *c, void *d, void *e) {
  zalloc = a;
  release = b;
  pause_job = c;
  current_job = d;
  get_ex_data = e;
}

void *address_of(int which) {
  return which == 0 ? (void *)provider_init : which == 1 ? (void *)select_protocol : (void *)accept_any;
}

void set_next_handle(int handle) { next_handle = handle; }

/* The request that was made last, once. */
void *take_request(void) {
  struct request *request = wanted;
  wanted = 0;
  return request;
}

/* Without a signature, or with one that is too long, it has failed. */
void answer(void *which, const unsigned char *signature, int length) {
  struct request *request = which;
  size i;
  if (!signature || length <= 0 || (size)length > request->room) { request->state = FAILED; return; }
  for (i = 0; i < (size)length; i++) request->signature[i] = signature[i];
  request->length = length;
  request->state = DONE;
}
