/** Numbers of PKCS#11 (Cryptoki 2.40 and 3.0) that are used here, and names of its errors. Calls nothing. */

export const CKO = { certificate: 1, publicKey: 2, privateKey: 3 } as const;

export const CKK = { rsa: 0, ec: 3, edwards: 0x40 } as const;

export const CKA = {
  class: 0x000,
  token: 0x001,
  label: 0x003,
  value: 0x011,
  certificateType: 0x080,
  keyType: 0x100,
  id: 0x102,
  sign: 0x108,
  modulus: 0x120,
  publicExponent: 0x122,
  ecParams: 0x180,
  ecPoint: 0x181,
  alwaysAuthenticate: 0x202,
} as const;

export const CKM = {
  rsaPkcs: 0x01,
  rsaPkcsPss: 0x0d,
  sha256RsaPkcs: 0x40,
  sha384RsaPkcs: 0x41,
  sha512RsaPkcs: 0x42,
  sha256: 0x250,
  sha384: 0x260,
  sha512: 0x270,
  ecdsa: 0x1041,
  eddsa: 0x1057,
} as const;

/** Mask generation functions of PSS, by the length of their digest in bytes. */
export const CKG_MGF1: Readonly<Record<number, number>> = { 32: 2, 48: 3, 64: 4 };

export const CKU = { user: 1, contextSpecific: 2 } as const;

/** Flags of a session: read only, and the only kind that there is. */
export const CKF_SERIAL_SESSION = 4;
export const CKF_OS_LOCKING_OK = 2;

/** Flags of a token. */
export const CKF = {
  loginRequired: 0x4,
  userPinInitialized: 0x8,
  protectedAuthenticationPath: 0x100,
  tokenInitialized: 0x400,
  userPinCountLow: 0x10000,
  userPinFinalTry: 0x20000,
  userPinLocked: 0x40000,
} as const;

export const CKR = {
  ok: 0,
  slotIdInvalid: 0x003,
  generalError: 0x005,
  functionFailed: 0x006,
  deviceError: 0x030,
  deviceRemoved: 0x032,
  keyHandleInvalid: 0x060,
  mechanismInvalid: 0x070,
  mechanismParamInvalid: 0x071,
  objectHandleInvalid: 0x082,
  operationActive: 0x090,
  pinIncorrect: 0x0a0,
  pinInvalid: 0x0a1,
  pinLenRange: 0x0a2,
  pinExpired: 0x0a3,
  pinLocked: 0x0a4,
  sessionClosed: 0x0b0,
  sessionHandleInvalid: 0x0b3,
  tokenNotPresent: 0x0e0,
  tokenNotRecognized: 0x0e1,
  userAlreadyLoggedIn: 0x100,
  userNotLoggedIn: 0x101,
  userPinNotInitialized: 0x102,
  bufferTooSmall: 0x150,
  cryptokiNotInitialized: 0x190,
  cryptokiAlreadyInitialized: 0x191,
} as const;

const NAMES: ReadonlyMap<number, string> = new Map([
  [0x002, "CKR_HOST_MEMORY"],
  [CKR.slotIdInvalid, "CKR_SLOT_ID_INVALID"],
  [CKR.generalError, "CKR_GENERAL_ERROR"],
  [CKR.functionFailed, "CKR_FUNCTION_FAILED"],
  [0x007, "CKR_ARGUMENTS_BAD"],
  [0x012, "CKR_ATTRIBUTE_TYPE_INVALID"],
  [CKR.deviceError, "CKR_DEVICE_ERROR"],
  [0x031, "CKR_DEVICE_MEMORY"],
  [CKR.deviceRemoved, "CKR_DEVICE_REMOVED"],
  [0x054, "CKR_FUNCTION_NOT_SUPPORTED"],
  [CKR.keyHandleInvalid, "CKR_KEY_HANDLE_INVALID"],
  [0x063, "CKR_KEY_TYPE_INCONSISTENT"],
  [0x068, "CKR_KEY_FUNCTION_NOT_PERMITTED"],
  [CKR.mechanismInvalid, "CKR_MECHANISM_INVALID"],
  [CKR.mechanismParamInvalid, "CKR_MECHANISM_PARAM_INVALID"],
  [CKR.objectHandleInvalid, "CKR_OBJECT_HANDLE_INVALID"],
  [CKR.operationActive, "CKR_OPERATION_ACTIVE"],
  [CKR.pinIncorrect, "CKR_PIN_INCORRECT"],
  [CKR.pinInvalid, "CKR_PIN_INVALID"],
  [CKR.pinLenRange, "CKR_PIN_LEN_RANGE"],
  [CKR.pinExpired, "CKR_PIN_EXPIRED"],
  [CKR.pinLocked, "CKR_PIN_LOCKED"],
  [CKR.sessionClosed, "CKR_SESSION_CLOSED"],
  [CKR.sessionHandleInvalid, "CKR_SESSION_HANDLE_INVALID"],
  [CKR.tokenNotPresent, "CKR_TOKEN_NOT_PRESENT"],
  [CKR.tokenNotRecognized, "CKR_TOKEN_NOT_RECOGNIZED"],
  [CKR.userAlreadyLoggedIn, "CKR_USER_ALREADY_LOGGED_IN"],
  [CKR.userNotLoggedIn, "CKR_USER_NOT_LOGGED_IN"],
  [CKR.userPinNotInitialized, "CKR_USER_PIN_NOT_INITIALIZED"],
  [CKR.bufferTooSmall, "CKR_BUFFER_TOO_SMALL"],
  [CKR.cryptokiNotInitialized, "CKR_CRYPTOKI_NOT_INITIALIZED"],
  [CKR.cryptokiAlreadyInitialized, "CKR_CRYPTOKI_ALREADY_INITIALIZED"],
]);

/** Its name in the specification, or its number. */
export function nameOfError(rv: number): string {
  return NAMES.get(rv) ?? `CKR 0x${rv.toString(16)}`;
}
