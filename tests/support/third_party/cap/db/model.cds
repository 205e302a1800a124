// One table, and a service for each habit of paging. What no service says is CAP's own default: 1,000 rows a page.
entity wellhead.Production {
  key field_code          : Integer;
  key well_code           : Int64;
  key production_period   : Date;
  field_name              : String(120);
  well_reference          : String(40);
  well_name               : String(120);
  days_on_production      : Double;
  oil_production_kbd      : Decimal(18, 6);
  gas_production_mmcfd    : Decimal(18, 6);
  liquids_production_kbd  : Decimal(18, 6);
  water_production_kbd    : Decimal(18, 6);
  data_source             : String(80);
  source_data             : String(200);
  partition_0             : String(8);
  created_at              : Timestamp;
  updated_at              : Timestamp;
}

service plain {
  @readonly entity WellProduction as projection on wellhead.Production;
}

// A page is `default` long where the client says nothing, and never longer than `max`.
@cds.query.limit: { default: 700, max: 3000 }
service limited {
  @readonly entity WellProduction as projection on wellhead.Production;
}

@cds.query.limit.max: 0
service unlimited {
  @readonly entity WellProduction as projection on wellhead.Production;
}
