if(e.resource = 'page' AND e.outcome = 'failed', 'error', e.resource)
