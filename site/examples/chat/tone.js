/** The colour of a person, the same on every page: one of the theme's eight. */
export const tone = id => [...id].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 1009, 7) % 8
