// What @odata/client, which no one here wrote, reads of Wellhead's own feed: feed.cjs MODULES ROOT TOKEN.
// It follows no links by itself: the next page is asked for by its address.

const [modules, serviceEndpoint, password] = process.argv.slice(2);
const { OData } = require(`${modules}/@odata/client`);

async function main() {
  const client = OData.New4({
    serviceEndpoint,
    credential: { username: "node", password },
    commonHeaders: { Prefer: "odata.maxpagesize=2" },
  });
  const keys = (rows) => rows.map((row) => [row.well_code, row.production_period]);
  const pages = async (params) => {
    let page = await client.newRequest({ collection: "WellProduction", params });
    const rows = [...page.value];
    while (page["@odata.nextLink"]) {
      page = await client.requestUri(page["@odata.nextLink"]);
      rows.push(...page.value);
    }
    return keys(rows);
  };
  const service = await client.requestUri(serviceEndpoint);
  const filter = "field_code eq '1' and contains(well_name,'Årdal')";
  const order = [{ field: "production_period", order: "desc" }, { field: "well_code", order: "asc" }];
  const key = { source: "default", field_code: "2", well_code: "20" };
  const wells = client.getEntitySet("Wells");
  const counted = client.newFilter().field("field_code").eqString("1");
  console.log(JSON.stringify({
    sets: service.value.map((each) => each.name),
    all: await pages(client.newParam()),
    filtered: await pages(client.newParam().filter(filter).orderbyMulti(order)),
    count: await client.getEntitySet("WellProduction").count(counted),
    name: (await wells.retrieve(key)).well_name,
  }));
}

main().catch((error) => { console.error(error); process.exit(1); });
