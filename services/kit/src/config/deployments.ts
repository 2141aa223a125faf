export interface DeploymentAddress {
  readonly stage: string
  /** Without a slash at its end. */
  readonly url: string
}

/** Reads MESHWORK_STAGES, "name=url,name=url". Throws a TypeError that names the wrong part. */
export function readDeployments(text: string): DeploymentAddress[] {
  return text
    .split(',')
    .map(part => part.trim())
    .filter(Boolean)
    .map(part => {
      const [, stage, url] = /^([a-z][a-z0-9-]{0,62})=(https?:\/\/.+)$/.exec(part) ?? []
      if (stage === undefined || url === undefined || !URL.canParse(url))
        throw new TypeError(`MESHWORK_STAGES has "${part}", which is not name=http://host:port`)
      return { stage, url: url.replace(/\/+$/, '') }
    })
}
