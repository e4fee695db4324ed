import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.sql.Timestamp;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;

/** What tools on JDBC do, with PostgreSQL's driver: prints a line for each, `what: answer`. */
class JdbcClient {
  static void say(String what, Object answer) {
    System.out.println(what + ": " + answer);
  }

  interface Work {
    Object run() throws Exception;
  }

  /** One failure does not hide what comes after it. */
  static void attempt(String what, Work work) {
    try {
      say(what, work.run());
    } catch (Exception error) {
      String state = error instanceof SQLException sql ? sql.getSQLState() + " " : "";
      say(what, "FAILED " + state + error.getMessage().split("\n")[0]);
    }
  }

  static List<String> column(ResultSet rows, String... names) throws SQLException {
    List<String> values = new ArrayList<>();
    while (rows.next()) {
      List<String> parts = new ArrayList<>();
      for (String name : names) parts.add(rows.getString(name));
      values.add(String.join(" ", parts));
    }
    return values;
  }

  public static void main(String[] arguments) throws Exception {
    for (String mode : new String[] {"disable", "require"}) {
      Properties properties = new Properties();
      properties.setProperty("user", "default");
      properties.setProperty("password", arguments[1]);
      properties.setProperty("sslmode", mode);
      try (Connection connection = DriverManager.getConnection(arguments[0], properties)) {
        say("connected", mode);
        if (mode.equals("require")) tryAll(connection);
      }
    }
  }

  static void tryAll(Connection connection) throws Exception {
    DatabaseMetaData about = connection.getMetaData();
    attempt("product", () -> about.getDatabaseProductName() + " " + (about.getDatabaseMajorVersion() >= 14));
    attempt("schemas", () -> column(about.getSchemas(), "TABLE_SCHEM"));
    attempt("tables", () -> column(about.getTables(null, "public", "otel%", new String[] {"TABLE", "VIEW"}), "TABLE_NAME"));
    attempt(
        "columns",
        () -> column(about.getColumns(null, null, "otel_logs_and_spans", "%time%"), "COLUMN_NAME", "TYPE_NAME", "IS_NULLABLE"));
    attempt("types", () -> column(about.getTypeInfo(), "TYPE_NAME").contains("timestamptz"));
    attempt("primary keys", () -> column(about.getPrimaryKeys(null, "public", "otel_logs_and_spans"), "COLUMN_NAME"));
    attempt("imported keys", () -> column(about.getImportedKeys(null, "public", "otel_logs_and_spans"), "FK_NAME"));
    attempt("indexes", () -> column(about.getIndexInfo(null, "public", "otel_logs_and_spans", false, true), "INDEX_NAME"));

    String sql =
        "select body::text, severity___severity_number as number, timestamp, duration from otel_logs_and_spans"
            + " where severity___severity_number >= ? and level = ? and timestamp >= ? order by timestamp limit ?";
    // The driver prepares by name, and asks for binary values, from the fifth time on.
    try (PreparedStatement statement = prepared(connection, sql)) {
      for (int time = 1; time <= 7; time++) {
        attempt("rows", () -> rows(statement.executeQuery()));
      }
      attempt("described", () -> statement.getMetaData().getColumnTypeName(3));
    }
    String kinds = "select 1.5::float8, true, date '2026-01-02', 7::bigint, array['a', null], 0.25::numeric, null::int";
    try (PreparedStatement statement = connection.prepareStatement(kinds)) {
      for (int time = 1; time <= 7; time++) {
        attempt(
            "values",
            () -> {
              ResultSet row = statement.executeQuery();
              row.next();
              Object[] list = (Object[]) row.getArray(5).getArray();
              return row.getDouble(1) + " " + row.getBoolean(2) + " " + row.getDate(3) + " " + row.getLong(4) + " "
                  + list[0] + list[1] + " " + row.getBigDecimal(6) + " " + row.getObject(7);
            });
      }
    }
    attempt(
        "offset time",
        () -> {
          try (PreparedStatement statement = connection.prepareStatement("select count(*) from otel_logs_and_spans where timestamp >= ?")) {
            statement.setObject(1, OffsetDateTime.parse("2026-01-01T00:00:00Z"));
            ResultSet rows = statement.executeQuery();
            rows.next();
            return rows.getLong(1);
          }
        });

    attempt(
        "fetched by cursor",
        () -> {
          connection.setAutoCommit(false);
          try (Statement statement = connection.createStatement()) {
            statement.setFetchSize(50);
            ResultSet rows = statement.executeQuery("select i from generate_series(1, 175) as t(i) order by i");
            long sum = 0;
            while (rows.next()) sum += rows.getLong(1);
            return sum;
          } finally {
            connection.commit();
            connection.setAutoCommit(true);
          }
        });

    try (Statement statement = connection.createStatement()) {
      statement.executeQuery("select nothing from otel_logs_and_spans");
    } catch (SQLException error) {
      say("error", error.getSQLState() + " " + error.getMessage().split("\n")[0]);
    }
    attempt("valid", () -> connection.isValid(5));
    connection.setAutoCommit(false);
    try (Statement statement = connection.createStatement()) {
      statement.executeQuery("select 1/0::int + nothing");
    } catch (SQLException error) {
      say("failed in a transaction", error.getSQLState());
    }
    try (Statement statement = connection.createStatement()) {
      statement.executeQuery("select 1");
    } catch (SQLException error) {
      say("after it", error.getSQLState());
    }
    connection.rollback();
    connection.setAutoCommit(true);
    connection.setReadOnly(true);
    attempt("read only", () -> connection.isReadOnly());
    attempt("isolation", () -> connection.getTransactionIsolation() == Connection.TRANSACTION_READ_COMMITTED);
    attempt("catalog and schema", () -> connection.getCatalog() + " " + connection.getSchema());
  }

  static PreparedStatement prepared(Connection connection, String sql) throws SQLException {
    PreparedStatement statement = connection.prepareStatement(sql);
    statement.setInt(1, 9);
    statement.setString(2, "ERROR");
    statement.setTimestamp(3, Timestamp.from(OffsetDateTime.parse("2026-01-01T00:00:00Z").toInstant()));
    statement.setInt(4, 2);
    return statement;
  }

  static List<String> rows(ResultSet rows) throws SQLException {
    List<String> found = new ArrayList<>();
    while (rows.next()) {
      String row = rows.getString(1) + " " + rows.getInt(2) + " " + rows.getTimestamp(3).toInstant();
      rows.getLong(4);
      found.add(row + " " + rows.wasNull());
    }
    return found;
  }
}
