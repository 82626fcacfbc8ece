/** A style sheet, as the text that build.mjs makes of it. */
declare module '*.css' {
  const text: string
  export default text
}
