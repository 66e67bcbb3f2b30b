/**
 * The service level objectives: docs/slo.md has the reasons, and a test compares its table with these numbers. Latencies
 * are the 95th percentile at the client, in milliseconds, by the operation of the contract.
 */
export const objectives = {
  /** Share of requests that may fail: an answer of 5xx, or none. */
  failedShare: 0.001,
  p95Ms: {
    GetCustomer: 50,
    ListCustomers: 150,
    SearchCustomers: 250,
    Search: 250,
    CreateCustomer: 150,
    UpdateCustomer: 150,
    GetDeal: 50,
    ListDeals: 150,
    CreateDeal: 150,
    UpdateDeal: 150,
    AggregateDeals: 500,
    ComputeForecast: 500,
    GetPipelineReport: 500,
    GetQuote: 50,
    ListQuotes: 150,
    CreateQuote: 150,
    SendQuote: 150,
    ShowQuotePage: 150,
    ListPipelines: 150,
    ListLeads: 150,
    IntakeLead: 250,
    QualifyLead: 250,
    ListTasks: 150,
    CreateTask: 150,
    CompleteTask: 150,
    CreateNote: 150,
    ListCustomerTimeline: 250,
    GetObjectRecord: 50,
    ListObjectRecords: 150,
    CreateObjectRecord: 150,
    UpdateObjectRecord: 150,
    AggregateObjectRecords: 500,
    CreateFileUpload: 150,
    UploadFile: 500,
    ListFiles: 150,
    UpdateFile: 150,
    DownloadFile: 250,
    GetSettings: 50,
    UpdateSettings: 150,
    ImportCustomers: 5_000,
    ExportWorkspace: 250,
    GetOperation: 50,
    ListChanges: 250,
    GetToken: 300,
    'customers.GetCustomer': 50,
  },
} as const;

/** The name of a request in metrics and thresholds, independent of its URL. */
export type Operation = keyof typeof objectives.p95Ms;
