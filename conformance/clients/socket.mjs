// The WebSocket client that Apollo, urql and Relay all speak by. Node has a WebSocket of its own from 22 on.
import { createClient } from "graphql-ws";
import WebSocket from "ws";
import { http } from "./report.mjs";

export const socket = createClient({ url: http.replace(/^http/, "ws"), webSocketImpl: WebSocket });
