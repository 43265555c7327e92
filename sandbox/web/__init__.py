"""The client `web` of automations that need no browser: it runs in a jail, and imports neither Playwright nor the host.

errors, transport            what everything else speaks of; the host imports these two alone
addresses, cookies, codings, charsets, bodies
                             one request and one answer
trees, hidden, inner_text, roles, labels, names, texts
                             HTML, parsed by lexbor, and how it reads to a person
found, finding, tables, form_fields, embedded, elements
                             what a page has
pages, client                answers, and the client itself
"""
