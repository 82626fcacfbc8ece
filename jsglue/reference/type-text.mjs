// The text of a type as TypeScript writes it, in pieces: strings, and names that a
// page can make links of.
// @ts-check

/**
 * @typedef {import('typedoc').JSONOutput.SomeType} Type
 * @typedef {import('typedoc').JSONOutput.DeclarationReflection} Declaration
 * @typedef {import('typedoc').JSONOutput.SignatureReflection} Signature
 * @typedef {string | { name: string, id: number }} Piece
 */

/** @param {Type | undefined} type @returns {Piece[]} */
export function typeText(type) {
  if (type === undefined) return ['unknown']
  switch (type.type) {
    case 'intrinsic': return [type.name]
    case 'literal': return [literal(type.value)]
    case 'reference': {
      const name = type.target !== undefined && typeof type.target === 'number' && type.target !== -1 ? { name: type.name, id: type.target } : type.name
      return type.typeArguments?.length ? [name, '<', ...list(type.typeArguments.map(typeText)), '>'] : [name]
    }
    case 'array': return [...grouped(type.elementType, /^(union|intersection|typeOperator)$/), '[]']
    case 'union': return list(type.types.map(t => grouped(t, /^conditional$/)), ' | ')
    case 'intersection': return list(type.types.map(t => grouped(t, /^(union|conditional)$/)), ' & ')
    case 'typeOperator': return [`${type.operator} `, ...grouped(type.target, /^(union|intersection)$/)]
    case 'indexedAccess': return [...typeText(type.objectType), '[', ...typeText(type.indexType), ']']
    case 'query': return ['typeof ', ...typeText(type.queryType)]
    case 'templateLiteral': return ['`', type.head, ...type.tail.flatMap(([t, text]) => ['${', ...typeText(t), '}', text]), '`']
    case 'predicate': return [...(type.asserts ? ['asserts '] : []), type.name, ...(type.targetType ? [' is ', ...typeText(type.targetType)] : [])]
    case 'mapped': return ['{ [', type.parameter, ' in ', ...typeText(type.parameterType), ']: ', ...typeText(type.templateType), ' }']
    case 'reflection': return literalType(type.declaration)
    case 'unknown': return [type.name] // as the source has it
    default: throw new Error(`no text for a type of kind ${type.type}`)
  }
}

/** Parameters and result; `arrow` is what stands between them. @param {Signature} signature @param {string} [arrow] @returns {Piece[]} */
export function signatureText(signature, arrow = ': ') {
  const parameters = (signature.parameters ?? []).map(p => /** @type {Piece[]} */ ([
    p.flags.isRest ? '...' : '', p.name, p.flags.isOptional ? '?' : '', ': ', ...typeText(p.type),
  ]))
  return [...typeParameters(signature.typeParameters), '(', ...list(parameters), ')', arrow, ...typeText(signature.type)]
}

/** @param {import('typedoc').JSONOutput.TypeParameterReflection[] | undefined} parameters @returns {Piece[]} */
export function typeParameters(parameters) {
  if (!parameters?.length) return []
  return ['<', ...list(parameters.map(p => /** @type {Piece[]} */ ([
    p.name, ...(p.type ? [' extends ', ...typeText(p.type)] : []), ...(p.default ? [' = ', ...typeText(p.default)] : []),
  ]))), '>']
}

/** @param {Declaration} declaration @returns {Piece[]} */
function literalType(declaration) {
  const signatures = declaration.signatures ?? []
  if (signatures.length === 1 && !declaration.children?.length) return signatureText(/** @type {Signature} */ (signatures[0]), ' => ')
  const indexes = (declaration.indexSignatures ?? []).map(s => /** @type {Piece[]} */ (
    ['[', ...list((s.parameters ?? []).map(p => [p.name, ': ', ...typeText(p.type)])), ']: ', ...typeText(s.type)]))
  const children = (declaration.children ?? []).flatMap(child => memberText(/** @type {Declaration} */ (child)))
  return ['{ ', ...list([...indexes, ...children]), ' }']
}

/** A member as it is declared, one entry for each overload. @param {Declaration} member @returns {Piece[][]} */
export function memberText(member) {
  const { flags } = member
  const head = `${flags.isStatic ? 'static ' : ''}${flags.isReadonly ? 'readonly ' : ''}${member.name}${flags.isOptional ? '?' : ''}`
  const { getSignature: get, setSignature: set } = member
  if (get || set) {
    return [
      ...(get ? [/** @type {Piece[]} */ ([`get ${member.name}(): `, ...typeText(get.type)])] : []),
      ...(set ? [/** @type {Piece[]} */ ([`set ${member.name}(value: `, ...typeText(set.parameters?.[0]?.type), ')'])] : []),
    ]
  }
  const signatures = /** @type {Signature[] | undefined} */ (member.signatures)
  if (signatures?.length) return signatures.map(s => member.name === 'constructor' ? constructorText(s) : [head, ...signatureText(s)])
  return [[head, ': ', ...typeText(member.type)]]
}

/** @param {Signature} signature @returns {Piece[]} */
function constructorText(signature) {
  const text = signatureText(signature)
  return ['constructor', ...text.slice(0, text.lastIndexOf(': '))]
}

/** @param {Type} type @param {RegExp} looser kinds that need brackets here, beside functions @returns {Piece[]} */
function grouped(type, looser) {
  const isFunction = type.type === 'reflection' && type.declaration.signatures?.length && !type.declaration.children?.length
  return isFunction || looser.test(type.type) ? ['(', ...typeText(type), ')'] : typeText(type)
}

/** @param {Piece[][]} items @param {string} [separator] @returns {Piece[]} */
function list(items, separator = ', ') {
  return items.flatMap((item, i) => i === 0 ? item : [separator, ...item])
}

/** @param {unknown} value */
function literal(value) {
  return typeof value === 'string' ? `'${value}'` : String(value)
}
