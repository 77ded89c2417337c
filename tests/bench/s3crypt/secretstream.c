/*
 * libsodium's secretstream by its own API, as ds_proxy uses it: messages of 16 KiB, each under the tag MESSAGE. Standard
 * input to standard output, 1 MiB at a time. The key is fixed: this is for measuring, and protects nothing.
 */
#include <sodium.h>
#include <string.h>
#include <unistd.h>

#define MESSAGE 16384
#define SEALED (MESSAGE + crypto_secretstream_xchacha20poly1305_ABYTES)
#define HEADER crypto_secretstream_xchacha20poly1305_HEADERBYTES
#define COUNT 64

static unsigned char in[COUNT * SEALED], out[COUNT * SEALED];

static size_t fill(unsigned char *bytes, size_t most) {
  size_t length = 0;
  ssize_t got;
  while (length < most && (got = read(0, bytes + length, most - length)) > 0) length += got;
  return length;
}

static int put(const unsigned char *bytes, size_t length) {
  ssize_t done;
  for (; length > 0; bytes += done, length -= done)
    if ((done = write(1, bytes, length)) <= 0) return 0;
  return 1;
}

int main(int argc, char **argv) {
  crypto_secretstream_xchacha20poly1305_state state;
  unsigned char key[crypto_secretstream_xchacha20poly1305_KEYBYTES] = {1}, header[HEADER];
  if (argc != 2 || sodium_init() < 0) return 70;
  int sealing = strcmp(argv[1], "encrypt") == 0;
  if (sealing) {
    crypto_secretstream_xchacha20poly1305_init_push(&state, header, key);
    if (!put(header, HEADER)) return 74;
  } else if (fill(header, HEADER) != HEADER || crypto_secretstream_xchacha20poly1305_init_pull(&state, header, key) != 0) {
    return 65;
  }
  size_t unit = sealing ? MESSAGE : SEALED, length;
  while ((length = fill(in, COUNT * unit)) > 0) {
    size_t filled = 0;
    for (size_t at = 0; at < length; at += unit) {
      size_t part = length - at < unit ? length - at : unit;
      unsigned long long made;
      unsigned char tag;
      if (sealing) crypto_secretstream_xchacha20poly1305_push(&state, out + filled, &made, in + at, part, NULL, 0, 0);
      else if (crypto_secretstream_xchacha20poly1305_pull(&state, out + filled, &made, &tag, in + at, part, NULL, 0) != 0) return 65;
      filled += made;
    }
    if (!put(out, filled)) return 74;
  }
  return 0;
}
