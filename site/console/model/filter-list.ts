/** Topic filters as they are typed or pasted: separated by commas or line ends. */

/** The filters, without the white space around them. */
export function splitFilters(text: string): string[] {
  return text.split(/[,\n]/).map(each => each.trim()).filter(Boolean)
}

/** Those with white space inside or with characters that cannot be seen: MQTT allows them, and hardly anyone means them. */
export function suspectFilters(filters: readonly string[]): string[] {
  return filters.filter(each => /[\s\u0000-\u001f\u007f\u00ad\u200b-\u200f\u2028-\u202e\u2060\ufeff]/.test(each))
}
