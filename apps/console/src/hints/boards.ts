/** How a collection is shown as a board: which fields make the lanes and the cards. */
export interface BoardHint {
  /** Field that says the lane of a card. */
  lane: string;
  /** Field that refers to the pipeline whose stages are the lanes; without it, the lanes are the values of the enum. */
  pipeline?: string;
  title: string;
  /** Field that refers to the company or person of a card, with the field that names it. */
  subject?: { field: string; title: string };
  /** Money, summed in the head of a lane. */
  amount?: string;
  date?: string;
  /** When the card entered its lane. */
  since: string;
}

export const boardHints: Readonly<Record<string, BoardHint>> = {
  deals: {
    lane: 'stage',
    pipeline: 'pipelineId',
    title: 'title',
    subject: { field: 'customerId', title: 'displayName' },
    amount: 'amount',
    date: 'closeDate',
    since: 'stageTime',
  },
  customers: { lane: 'lifecycleStage', title: 'displayName', since: 'lifecycleStageTime' },
};
