// <script type="module" src="…/widget/chat-widget.js"> defines <chat-widget>.

import { ChatWidget } from "./element.js";

if (!customElements.get("chat-widget")) customElements.define("chat-widget", ChatWidget);
