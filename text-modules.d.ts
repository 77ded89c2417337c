/** Files that are imported as their text. */
declare module "*/completions/bash/portail" {
  const text: string;
  export default text;
}
declare module "*/completions/fish/portail.fish" {
  const text: string;
  export default text;
}
declare module "*/completions/zsh/_portail" {
  const text: string;
  export default text;
}
declare module "*.varlink" {
  const text: string;
  export default text;
}

declare module "*.c" {
  const text: string;
  export default text;
}

declare module "*.css" {
  const text: string;
  export default text;
}
declare module "*/live.js" {
  const text: string;
  export default text;
}
