// SAP CAP on a free port of 127.0.0.1: its tables are made from db/model.cds and filled from db/data at each start.
const cds = require('@sap/cds')

async function serve () {
  await cds.plugins
  cds.on('bootstrap', app => {
    const listen = app.listen.bind(app)
    app.listen = () => listen(0, '127.0.0.1') // CAP itself would listen on all interfaces
  })
  const server = await cds.server({ in_memory: true })
  server.on('listening', () => console.log(`ready http://127.0.0.1:${server.address().port}`))
}

serve()
