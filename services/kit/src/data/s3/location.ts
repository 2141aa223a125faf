// s3://bucket/prefix?endpoint=http://minio:9000&region=eu-central-1&pathStyle=true&cache=/folder&cacheBytes=10737418240
// Who may come in is told as the AWS SDK is told everywhere: AWS_ACCESS_KEY_ID, AWS_SHARED_CREDENTIALS_FILE, a role.

import { tmpdir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { closest } from '@meshwork/contracts'

export interface S3Location {
  readonly bucket: string
  /** Before every key; empty or with a slash at its end. */
  readonly prefix: string
  /** Undefined: the one of AWS, or of AWS_ENDPOINT_URL_S3. */
  readonly endpoint: string | undefined
  readonly region: string | undefined
  /** The bucket stands in the path and not in the host name, as servers other than AWS mostly want it. */
  readonly pathStyle: boolean
  /** Local folder for copies of what is read and for work in progress. */
  readonly cacheFolder: string
  readonly cacheBytesMax: number
  /** Makes the bucket where it is missing, which a mesh on one machine wants. */
  readonly createBucket: boolean
}

const bucketPattern = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/
const parameters = ['endpoint', 'region', 'pathStyle', 'cache', 'cacheBytes', 'createBucket']
const cacheBytesDefault = 10 * 1024 ** 3

/** Throws a TypeError that names what is wrong. */
export function readS3Location(url: string): S3Location {
  const refuse = (why: string) => new TypeError(`store URL "${url}" ${why}; it is s3://bucket/prefix?endpoint=…`)
  if (!URL.canParse(url)) throw new TypeError('the store URL is not a URL; it is s3://bucket/prefix?endpoint=…')
  const { hostname, pathname, searchParams, username, password } = new URL(url)
  if (username !== '' || password !== '')
    throw new TypeError(
      'the store URL holds credentials; give them as AWS_ACCESS_KEY_ID or AWS_SHARED_CREDENTIALS_FILE',
    )
  if (!bucketPattern.test(hostname)) throw refuse(`has no name of a bucket in "${hostname}"`)
  for (const name of searchParams.keys())
    if (!parameters.includes(name)) {
      const near = closest(name, parameters)
      throw refuse(`has a parameter "${name}" that is not known${near === undefined ? '' : ` (did you mean ${near}?)`}`)
    }
  const endpoint = searchParams.get('endpoint') ?? undefined
  if (endpoint !== undefined && !/^https?:\/\/[^/]+\/?$/.test(endpoint)) throw refuse(`has the endpoint "${endpoint}"`)
  const flag = (name: string, fallback: boolean): boolean => {
    const given = searchParams.get(name) ?? String(fallback)
    if (!/^(true|false)$/.test(given)) throw refuse(`has ${name} "${given}", which is true or false`)
    return given === 'true'
  }
  const cacheFolder = searchParams.get('cache') ?? join(tmpdir(), 'meshwork-cache')
  if (!isAbsolute(cacheFolder)) throw refuse(`has the cache "${cacheFolder}", which is no full path`)
  const cacheBytesMax = Number(searchParams.get('cacheBytes') ?? cacheBytesDefault)
  if (!Number.isSafeInteger(cacheBytesMax) || cacheBytesMax < 0)
    throw refuse(`has cacheBytes "${searchParams.get('cacheBytes')}", which is no number of bytes`)
  const prefix = pathname.replace(/^\/+|\/+$/g, '')
  return {
    bucket: hostname,
    prefix: prefix === '' ? '' : `${decodeURIComponent(prefix)}/`,
    endpoint,
    region: searchParams.get('region') ?? (endpoint === undefined ? undefined : 'us-east-1'),
    pathStyle: flag('pathStyle', endpoint !== undefined),
    createBucket: flag('createBucket', false),
    cacheFolder,
    cacheBytesMax,
  }
}
