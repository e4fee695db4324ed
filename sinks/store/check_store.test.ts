import assert from 'node:assert/strict'
import { readdir, writeFile } from 'node:fs/promises'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { checkStore } from './check_store.ts'
import { withFolder } from './testing/folder.ts'
import { S3_ENVIRONMENT } from './testing/s3_server.ts'

const warned = (into: string[]) => (message: string) => into.push(message)
const never = () => assert.fail('nothing to warn of')

describe('a folder', () => {
  test('is made', () =>
    withFolder(async (folder) => {
      await checkStore({ url: `file:${join(folder, 'a/lake')}` }, never)
      assert.deepEqual(await readdir(join(folder, 'a')), ['lake'])
    }))

  test('that is a file is refused', () =>
    withFolder(async (folder) => {
      await writeFile(join(folder, 'file'), '')
      for (const path of ['file', 'file/lake']) {
        await assert.rejects(checkStore({ url: `file:${join(folder, path)}` }, never), {
          name: 'OperatorError',
          message: /is no folder that can be written to/,
        })
      }
    }))
})

describe('a bucket', () => {
  const environment = { ...process.env }
  after(() => {
    process.env = environment
  })

  /** What the check says of a server that answers every request like this. */
  async function said(
    listener: RequestListener,
    variables: Readonly<Record<string, string | undefined>> = S3_ENVIRONMENT,
  ): Promise<string> {
    process.env = { ...environment, AWS_EC2_METADATA_DISABLED: 'true', ...variables }
    const http = createServer((request, response) => {
      request.resume().once('end', () => listener(request, response))
    })
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
    const warnings: string[] = []
    try {
      const s3Endpoint = `http://127.0.0.1:${(http.address() as AddressInfo).port}`
      await checkStore({ url: 's3://bucket/lake', s3Endpoint }, warned(warnings))
      return warnings.join() || 'fine'
    } catch (error) {
      assert.equal((error as Error).name, 'OperatorError')
      return (error as Error).message
    } finally {
      http.closeAllConnections()
      http.close()
    }
  }
  const refusing =
    (status: number, code: string, headers = {}): RequestListener =>
    (_, response) => {
      response.writeHead(status, { 'content-type': 'application/xml', ...headers })
      response.end(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>words</Message></Error>`)
    }

  test('that does not exist', async () => {
    assert.match(await said(refusing(404, 'NoSuchBucket')), /^s3:\/\/bucket\/lake: there is no bucket bucket at http/)
  })

  test('for other credentials', async () => {
    for (const code of ['InvalidAccessKeyId', 'SignatureDoesNotMatch', 'AccessDenied']) {
      const pattern = new RegExp(`refuses the credentials \\(${code}: words\\): set AWS_ACCESS_KEY_ID`)
      assert.match(await said(refusing(403, code)), pattern)
    }
  })

  test('without credentials', async () => {
    const none = { AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined, HOME: '/nowhere', AWS_REGION: 'x' }
    assert.match(await said(refusing(403, 'AccessDenied'), none), /there are no AWS credentials: set AWS_ACCESS_KEY_ID/)
  })

  test('in another region', async () => {
    const elsewhere = refusing(301, 'PermanentRedirect', { 'x-amz-bucket-region': 'eu-central-1' })
    assert.match(await said(elsewhere), /another region than us-east-1: set AWS_REGION to eu-central-1$/)
    assert.match(await said(refusing(400, 'AuthorizationHeaderMalformed')), /set AWS_REGION$/)
  })

  test('of a server that ignores If-None-Match', async () => {
    assert.match(
      await said((request, response) => {
        if (request.method === 'DELETE' || request.method === 'POST') {
          response.writeHead(200, { 'content-type': 'application/xml' }).end('<DeleteResult></DeleteResult>')
        } else response.writeHead(200).end()
      }),
      /ignores "If-None-Match: \*"/,
    )
  })

  test('that does not answer now is no reason not to start', async () => {
    assert.match(await said(refusing(503, 'SlowDown')), /cannot write .*SlowDown: words; it is tried again/)
    const warnings: string[] = []
    await checkStore({ url: 's3://bucket', s3Endpoint: 'http://127.0.0.1:1' }, warned(warnings))
    assert.match(warnings[0], /ECONNREFUSED.*it is tried again/)
  })
})
