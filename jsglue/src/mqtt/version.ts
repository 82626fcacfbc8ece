/** The version of mqtt.js whose face this is. */
export const MQTTJS_VERSION = '5.16.0'
