import type { IncomingMessage, ServerResponse } from 'node:http';
import type { HttpServer } from '@nestjs/common';
import type { HeaderFields } from './gateway/header-fields.js';

/** What both adapters' requests have. */
interface AdapterRequest {
  readonly headers: Record<string, string | string[] | undefined>;
  readonly params?: Readonly<Record<string, unknown>>;
  /** With the port; as the adapter trusts proxies. */
  readonly host?: string;
  readonly hostname?: string;
  readonly user?: unknown;
  /** Express, and Fastify: the route that was matched, as it was registered. */
  readonly route?: { readonly path?: unknown };
  readonly routeOptions?: { readonly url?: unknown };
  /** Fastify's. */
  readonly raw?: IncomingMessage;
}

/** What both adapters' responses have. */
interface AdapterResponse {
  readonly statusCode: number;
  getHeader(name: string): number | string | string[] | undefined;
  getHeaders(): Record<string, number | string | string[] | undefined>;
  removeHeader(name: string): void;
  /** Fastify's: how it serialises what a handler returns, by the route's schema too. */
  serialize?(value: unknown): unknown;
  /** Express's. */
  readonly app?: { get(setting: string): unknown };
  /** Fastify's. */
  readonly raw?: ServerResponse;
}

/** A request and its response, the same on Express and on Fastify. */
export class Exchange {
  readonly method: string;
  /** As they came: a gateway's handler sees others while it runs. */
  readonly headers: HeaderFields;

  constructor(
    private readonly adapter: HttpServer,
    readonly request: AdapterRequest,
    readonly response: AdapterResponse,
  ) {
    this.method = adapter.getRequestMethod!(request);
    this.headers = request.headers;
  }

  /** As it came: path and query. */
  get url(): string {
    return this.adapter.getRequestUrl!(this.request);
  }

  /** As the application sees it: `trust proxy` decides whether a proxy's word counts. */
  get host(): string {
    const { host, hostname, headers } = this.request;
    return host ?? hostname ?? String(headers['host'] ?? '');
  }

  /**
   * The host as keys have it. The port is a part of it, since answers may repeat it; one that is this very server's
   * stands for itself, so that instances that are asked directly share what they have.
   */
  get authority(): string {
    return authorityOf(this.host, this.rawRequest.socket?.localPort);
  }

  /** Null where the adapter does not say which route was matched. */
  get template(): string | null {
    const { route, routeOptions } = this.request;
    const template = routeOptions?.url ?? route?.path;
    return typeof template === 'string' ? template : null;
  }

  get params(): Readonly<Record<string, unknown>> {
    return this.request.params ?? {};
  }

  /** Who sent it may be known: it bears a login, a cookie, or a guard has found its user. */
  get hasCredentials(): boolean {
    const { headers } = this;
    const { user } = this.request;
    return (
      headers['authorization'] !== undefined || headers['cookie'] !== undefined || (user !== undefined && user !== null)
    );
  }

  /** The fields set so far, by lower-case name, each line as text. */
  responseFields(): HeaderFields {
    const fields: Record<string, string | string[]> = {};
    for (const [name, value] of Object.entries(this.response.getHeaders())) {
      if (value !== undefined) fields[name.toLowerCase()] = Array.isArray(value) ? value.map(String) : String(value);
    }
    return fields;
  }

  /** A field set so far, several lines as one; undefined: none. */
  responseField(name: string): string | undefined {
    const value = this.response.getHeader(name);
    return value === undefined ? undefined : Array.isArray(value) ? value.join(', ') : String(value);
  }

  setHeader(name: string, value: string | readonly string[]): void {
    this.adapter.setHeader!(this.response, name, value as string);
  }

  removeHeader(name: string): void {
    this.response.removeHeader(name);
  }

  status(code: number): void {
    if (this.response.statusCode !== code) this.adapter.status(this.response, code);
  }

  get isSent(): boolean {
    return this.raw.headersSent;
  }

  /** Node's own request. */
  get rawRequest(): IncomingMessage {
    return this.request.raw ?? (this.request as unknown as IncomingMessage);
  }

  /** Node's own response. */
  get raw(): ServerResponse {
    return this.response.raw ?? (this.response as unknown as ServerResponse);
  }

  /** Resolves when the response has been sent, or its client is gone. */
  ended(): Promise<void> {
    const { raw } = this;
    if (raw.writableFinished || raw.destroyed) return Promise.resolve();
    return new Promise((resolve) => raw.once('close', resolve));
  }
}

/** That of the request before, which most have in common. */
let last: { host: string; port: number | undefined; authority: string } = { host: '', port: undefined, authority: '' };

function authorityOf(host: string, port: number | undefined): string {
  if (last.host === host && last.port === port) return last.authority;
  const text = host.toLowerCase();
  const own = `:${port}`;
  const authority = text.endsWith(own) ? `${text.slice(0, -own.length)}:self` : text;
  last = { host, port, authority };
  return authority;
}
