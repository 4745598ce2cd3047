// The errors of the stand-in, in the shape and the words in which Salesforce answers them.

/** An error that Salesforce answers with: an HTTP status, its code, its words, and the fields it is about. */
export class ApiError extends Error {
  constructor(status, code, message, fields) {
    super(message);
    this.status = status;
    this.code = code;
    this.fields = fields;
  }

  /** As one answer gives it: an array, for Salesforce answers errors in arrays even when there is one. */
  body() {
    const one = { message: this.message, errorCode: this.code };
    if (this.fields) one.fields = this.fields;
    return [one];
  }

  /** As a collection gives it beside the record: there the code is named statusCode. */
  inCollection() {
    return { statusCode: this.code, message: this.message, fields: this.fields ?? [] };
  }
}

/** Several complaints about one record, as validation rules give them. */
export class ApiErrors extends ApiError {
  constructor(errors) {
    super(errors[0].status, errors[0].code, errors[0].message, errors[0].fields);
    this.errors = errors;
  }

  body() {
    return this.errors.flatMap((error) => error.body());
  }
}

/** An OAuth error, which is an object with other names than the data API's arrays. */
export class OAuthError extends Error {
  constructor(error, description, status = 400) {
    super(description);
    this.status = status;
    this.error = error;
  }

  body() {
    return { error: this.error, error_description: this.message };
  }
}

/** The single complaints in an error, whether it is one or several. */
export const eachError = (error) => (error instanceof ApiErrors ? error.errors : [error]);

export const notFound = (message = "The requested resource does not exist") =>
  new ApiError(404, "NOT_FOUND", message);

export const badRequest = (code, message, fields) => new ApiError(400, code, message, fields);

export const methodNotAllowed = (method, allowed) =>
  new ApiError(
    405,
    "METHOD_NOT_ALLOWED",
    `HTTP Method '${method}' not allowed. Allowed are ${allowed.join(",")}`,
  );

/** What the words of every other error class are when a test asks for the class and gives no words. */
const usualWords = {
  API_CURRENTLY_DISABLED: [403, "API is disabled for this User"],
  API_DISABLED_FOR_ORG: [403, "The REST API is not enabled for this Organization."],
  INVALID_SESSION_ID: [401, "Session expired or invalid"],
  INVALID_AUTH_HEADER: [401, "INVALID_HEADER_TYPE"],
  REQUEST_LIMIT_EXCEEDED: [403, "TotalRequests Limit exceeded."],
  UNABLE_TO_LOCK_ROW: [400, "unable to obtain exclusive access to this record", []],
  SERVER_UNAVAILABLE: [503, "Server Unavailable"],
  UNKNOWN_EXCEPTION: [
    500,
    "An unexpected error occurred. Please include this ErrorId if you contact support: 1045178512-20416 (1318521547)",
  ],
  INSUFFICIENT_ACCESS_OR_READONLY: [403, "insufficient access rights on object id", []],
  INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY: [
    400,
    "insufficient access rights on cross-reference id",
    [],
  ],
  INVALID_CROSS_REFERENCE_KEY: [400, "invalid cross reference id", []],
  CANNOT_UPDATE_CONVERTED_LEAD: [400, "cannot reference converted lead", []],
  INACTIVE_OWNER_OR_USER: [400, "operation performed with inactive user", ["OwnerId"]],
  ENTITY_IS_DELETED: [404, "entity is deleted", []],
  NOT_FOUND: [404, "The requested resource does not exist"],
};

/** An error of a class by its name, for the troubles that tests ask for. */
export function errorOfClass(code, { status, message, fields } = {}) {
  const usual = Object.hasOwn(usualWords, code) ? usualWords[code] : [400, code];
  const [usualStatus, usualMessage, usualFields] = usual;
  return new ApiError(status ?? usualStatus, code, message ?? usualMessage, fields ?? usualFields);
}
