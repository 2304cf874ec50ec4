SwaggerUIBundle({ url: '/api-reference/openapi.json', dom_id: '#reference', defaultModelsExpandDepth: -1 })
