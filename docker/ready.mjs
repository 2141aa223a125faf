// The health check of every image: exit code 0 when the service may take work, 1 when not.

const { status } = await fetch(`http://127.0.0.1:${process.env.MESHWORK_PORT ?? 8080}/readyz`).catch(() => ({
  status: 0,
}))
process.exit(status === 200 ? 0 : 1)
