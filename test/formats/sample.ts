/** What opens every sample; the samples keep no secret. */
export const SAMPLE_PASSPHRASE = new TextEncoder().encode('a sample of the format, for all to see')
