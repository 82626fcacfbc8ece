/** What the console takes as credentials, and as a file of profiles. */
import { pastedCredentials } from '../../site/console/model/pasted-credentials'
import { profileProblem } from '../../site/console/model/profile-check'
import { newProfile, type Profile } from '../../site/console/model/profile'
import { parseProfiles } from '../../site/console/model/profiles'
import { expect, test } from '@playwright/test'

const accessKeyId = 'AKIAEXAMPLEEXAMPLE00', secretAccessKey = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY', sessionToken = 'IQoJb3JpZ2luX2VjE/+abc123=='
const keys = { accessKeyId, secretAccessKey }

for (const [form, text, expected] of [
  ['lines of a shell', `export AWS_ACCESS_KEY_ID=${accessKeyId}\nexport AWS_SECRET_ACCESS_KEY=${secretAccessKey}\nexport AWS_SESSION_TOKEN=${sessionToken}\n`, { ...keys, sessionToken }],
  ['quoted lines of a shell', `export AWS_ACCESS_KEY_ID="${accessKeyId}"\r\nexport AWS_SECRET_ACCESS_KEY='${secretAccessKey}'`, keys],
  ['lines of cmd', `SET AWS_ACCESS_KEY_ID=${accessKeyId}\r\nSET AWS_SECRET_ACCESS_KEY=${secretAccessKey}\r\nSET AWS_SESSION_TOKEN=${sessionToken}`, { ...keys, sessionToken }],
  ['lines of PowerShell', `$Env:AWS_ACCESS_KEY_ID="${accessKeyId}"\r\n$Env:AWS_SECRET_ACCESS_KEY="${secretAccessKey}"\r\n$Env:AWS_SESSION_TOKEN="${sessionToken}"`, { ...keys, sessionToken }],
  ['a profile', `[default]\naws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\nregion = eu-west-1\n`, keys],
  ['the first whole profile of several', `[empty]\nregion = eu-west-1\n[mine]\naws_access_key_id=${accessKeyId}\naws_secret_access_key=${secretAccessKey}\n[other]\naws_access_key_id=AKIAOTHER\naws_secret_access_key=other\naws_session_token=${sessionToken}\n`, keys],
  ['the JSON of assume-role', JSON.stringify({
    Credentials: { AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey, SessionToken: sessionToken, Expiration: '2030-01-01T00:00:00Z' },
    AssumedRoleUser: { AssumedRoleId: 'AROAEXAMPLE:console', Arn: 'arn:aws:sts::123456789012:assumed-role/console/console' },
  }, null, 4), { ...keys, sessionToken }],
  ['the JSON of get-credentials-for-identity', JSON.stringify({ IdentityId: 'eu-west-1:x', Credentials: { AccessKeyId: accessKeyId, SecretKey: secretAccessKey, SessionToken: sessionToken } }), { ...keys, sessionToken }],
  ['one key', secretAccessKey, undefined],
  ['a key without its secret', `AWS_ACCESS_KEY_ID=${accessKeyId}`, undefined],
  ['nothing', '', undefined],
] as const) {
  test(`credentials are read from ${form}`, () => { expect(pastedCredentials(text)).toEqual(expected) })
}

const full: Profile = newProfile({
  name: 'full', authentication: 'none', endpoint: 'wss://broker.example.com/mqtt', sessionExpiryInterval: 60,
  will: { topic: 'gone', payload: '🛰', qos: 1, retain: true, delayInterval: 5, properties: { contentType: 'text/plain', userProperties: { a: ['1', '2'] } } },
  properties: { receiveMaximum: 10, userProperties: { site: 'x' } },
})
const file = (...profiles: unknown[]): string => JSON.stringify({ format: 'iotwasm console profiles', version: 1, profiles })

test('a file of profiles gives them in its order, under ids of their own', () => {
  const read = parseProfiles(file(full, { name: 'short', authentication: 'keys', endpoint: '' }))
  expect(read.map(({ name }) => name)).toEqual(['full', 'short'])
  expect({ ...read[0], id: '' }).toEqual({ ...full, id: '' })
  expect(read[0]!.id).not.toBe(full.id)
  expect(read[1]).toMatchObject({ keepAlive: 60, clientIdSuffix: 'random', cleanStart: true })
})

for (const [wrong, change, field] of [
  ['text for a number', { keepAlive: '60' }, 'keepAlive'],
  ['an unknown way to authenticate', { authentication: 'password' }, 'authentication'],
  ['no endpoint', { endpoint: undefined }, 'endpoint'],
  ['a secret', { secretAccessKey: 'x' }, 'secretAccessKey'],
  ['a name of every object', { constructor: 'x' }, 'constructor'],
  ['a will that is text', { will: 'gone' }, 'will'],
  ['a QoS that is none', { will: { ...full.will, qos: 3 } }, 'will.qos'],
  ['a will without a topic', { will: { payload: '', qos: 0, retain: false } }, 'will.topic'],
  ['a secret in the will', { will: { ...full.will, password: 'x' } }, 'will.password'],
  ['bytes that JSON does not keep', { will: { ...full.will, properties: { correlationData: { 0: 1 } } } }, 'will.properties.correlationData'],
  ['a number as a user property', { properties: { userProperties: { a: [1] } } }, 'properties.userProperties'],
  ['an unknown property', { properties: { authenticationData: 'x' } }, 'properties.authenticationData'],
] as const) {
  test(`a file with ${wrong} is refused, and says where`, () => {
    const bad: unknown = { ...full, ...change }
    expect(profileProblem(bad)?.field).toBe(field)
    let error: { code?: string, field?: string, message?: string } | undefined
    try { parseProfiles(file(full, bad)) } catch (caught) { error = caught as typeof error }
    expect(error).toMatchObject({ code: 'invalid-file', field: `profiles[1].${field}` })
    expect(error!.message).toContain('Profile 2')
  })
}

for (const [what, text] of [['no JSON', '{'], ['null', 'null'], ['a list', '[]'], ['a file of another version', '{"format":"iotwasm console profiles","version":2,"profiles":[]}']] as const) {
  test(`${what} is no file of profiles`, () => { expect(() => parseProfiles(text)).toThrow(expect.objectContaining({ code: 'invalid-file' })) })
}

test('an entry that is no object is refused', () => { expect(() => parseProfiles(file(full, null))).toThrow(expect.objectContaining({ field: 'profiles[1].it' })) })
