// What an operator can do about a folder or a bucket that cannot be used: by the code of the system or the name of the S3 error.

const hints: Readonly<Record<string, string>> = {
  EACCES: `let the user of this process (uid ${process.getuid?.() ?? 'unknown'}) write there`,
  EPERM: `let the user of this process (uid ${process.getuid?.() ?? 'unknown'}) write there`,
  EROFS: 'mount it writable',
  ENOENT: 'see whether its volume is mounted',
  ENOTDIR: 'a part of the path is a file',
  EEXIST: 'a part of the path is a file',
  ENOSPC: 'free space there',
  EDQUOT: 'raise the quota or free space there',
  EIO: 'look at the disk',
  EMFILE: 'raise the limit of open files',
  ENFILE: 'raise the limit of open files',
  ECONNREFUSED: 'see whether the server runs, and whether endpoint= in the URL is its address',
  ENOTFOUND: 'the name of its host is unknown; see endpoint= in the URL',
  EAI_AGAIN: 'the name of its host is unknown at present; see endpoint= in the URL and the name server',
  TimeoutError: 'see whether the network lets this process reach it',
  InvalidAccessKeyId: 'see AWS_ACCESS_KEY_ID, or the file that AWS_SHARED_CREDENTIALS_FILE names',
  SignatureDoesNotMatch: 'see AWS_SECRET_ACCESS_KEY, or the file that AWS_SHARED_CREDENTIALS_FILE names',
  ExpiredToken: 'see AWS_SESSION_TOKEN',
  CredentialsProviderError:
    'set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or AWS_SHARED_CREDENTIALS_FILE, or give the process a role',
  AccessDenied: 'allow this key to read, write, list and delete in the bucket',
  NoSuchBucket: 'make the bucket, or see its name in the URL',
}

/** The way out, for the end of a sentence; undefined where there is none to name. */
export const systemHint = (name: string | undefined): string | undefined =>
  name === undefined ? undefined : hints[name]
