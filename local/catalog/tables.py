"""Tables: pyiceberg's catalog in SQL, as strict as the specification where it is not.

pyiceberg takes a new schema of a table as it comes. By the specification the catalog numbers it
(`schema-id` is read-only to who asks), and a table's rows stay readable only where an id means one
column for ever: a column that is added has an id that no other ever had, and may be null, as it is
in older rows.
https://github.com/apache/iceberg/blob/main/open-api/rest-catalog-open-api.yaml
https://iceberg.apache.org/spec/#schema-evolution
"""

from pyiceberg.catalog.sql import IcebergTables, SqlCatalog
from pyiceberg.schema import Schema
from pyiceberg.table import StagedTable, Table
from pyiceberg.table.metadata import TableMetadata
from pyiceberg.table.update import AddSchemaUpdate, TableRequirement, TableUpdate
from pyiceberg.typedef import Identifier


class Tables(SqlCatalog):
    """A file of metadata never changes, so that of a table is read once,
    and again when the table has another one.
    """

    def __init__(self, name: str, **properties: str) -> None:
        super().__init__(name, **properties)
        self._newest: dict[tuple[str, str], Table] = {}

    def _convert_orm_to_iceberg(self, orm_table: IcebergTables) -> Table:
        name = (orm_table.table_namespace, orm_table.table_name)
        newest = self._newest.get(name)
        if newest is None or newest.metadata_location != orm_table.metadata_location:
            newest = self._newest[name] = super()._convert_orm_to_iceberg(orm_table)
        return newest

    def _update_and_stage_table(
        self,
        current_table: Table | None,
        table_identifier: Identifier,
        requirements: tuple[TableRequirement, ...],
        updates: tuple[TableUpdate, ...],
    ) -> StagedTable:
        if current_table:
            metadata = current_table.metadata
            for requirement in requirements:  # before what is asked for is looked at
                requirement.validate(metadata)
            updates = tuple(_numbered(metadata, update) for update in updates)
        return super()._update_and_stage_table(
            current_table, table_identifier, requirements, updates
        )


def _numbered(metadata: TableMetadata, update: TableUpdate) -> TableUpdate:
    """The update as it is made to a table that is so: a new schema has the next number.
    Raises ValueError for one that the table may not get.
    """
    if not isinstance(update, AddSchemaUpdate):
        return update
    schema = update.schema_
    _refuse_unreadable(metadata, schema)
    last = max(each.schema_id for each in metadata.schemas)
    numbered = Schema(
        *schema.fields, schema_id=last + 1, identifier_field_ids=schema.identifier_field_ids
    )
    return AddSchemaUpdate(schema=numbered)


def _refuse_unreadable(metadata: TableMetadata, schema: Schema) -> None:
    # Of every schema that the table ever had: rows are still stored by some of these.
    known = {field.field_id: field for each in metadata.schemas for field in each.fields}
    names = [field.name for field in schema.fields]
    if len(set(names)) < len(names):
        raise ValueError("two columns have one name")
    for field in schema.fields:
        before = known.get(field.field_id)
        # Ids count upwards: one that is not above the last was a column's, known here or not.
        if before is None and field.field_id <= metadata.last_column_id:
            raise ValueError(f"the id of the column {field.name} was given before")
        if field.required and not (before and before.required):
            raise ValueError(f"older rows have no value of the column {field.name}")
        if before is not None and before.field_type != field.field_type:
            raise ValueError(f"the column {field.name} had another type")
