/** The loopback addresses that connections are spread over. Opens no socket. */

/*
 * Thousands per second between two fixed addresses would use up the ephemeral ports with connections in TIME_WAIT, and
 * slow down whoever is measured later.
 */

const COUNT = 16;

/** Where the target listens, on one port. */
export const TARGETS = Array.from({ length: COUNT }, (_, i) => `127.0.0.${i + 1}`);

/** Where the load generators connect from. */
export const SOURCES = Array.from({ length: COUNT }, (_, i) => `127.0.1.${i + 1}`);
