/** Files that are imported as their text. */
declare module "*.varlink" {
  const text: string;
  export default text;
}

declare module "*.c" {
  const text: string;
  export default text;
}
