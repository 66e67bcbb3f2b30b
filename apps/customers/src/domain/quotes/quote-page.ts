import type { Quote } from '@rapport/contracts/rapport/sales/v1/quote';
import { html, type Html, type PageLanguage, type WrittenPage } from '@rapport/platform';
import { quoteDocument, type QuoteReader } from './quote-document.js';
import { quoteTexts } from './quote-texts.js';

/** What stands above a quote that was not answered: why it cannot be accepted, or what its form lacks. */
export type Notice = 'expired' | 'blocked' | 'nameMissing';

/** The page of a quote that waits for an answer. */
export function openPage(quote: Quote, reader: QuoteReader, notice?: Notice): WrittenPage {
  const { language } = reader;
  const texts = quoteTexts[language];
  const hasEnded = notice === 'expired' || notice === 'blocked';
  return quoteDocument(quote, reader, {
    ...(hasEnded && { above: html`<p class="note" role="status">${texts[notice]}</p>` }),
    ...(notice !== 'expired' && { below: answerForms(language, notice === 'nameMissing') }),
  });
}

/** The page after an answer. It is shown once: the link has ended. */
export function answeredPage(quote: Quote, reader: QuoteReader, isAccepted: boolean): WrittenPage {
  const { thanks, print, declined } = quoteTexts[reader.language];
  const above = html`<p class="note" role="status">${thanks} ${isAccepted ? print : declined}</p>`;
  return quoteDocument(quote, reader, { above });
}

/** Two forms without a script: they post to the address of the page. */
function answerForms(language: PageLanguage, isNameMissing: boolean): Html {
  const texts = quoteTexts[language];
  return html`<section class="answer">
    <form method="post">
      <p>${texts.acceptLead}</p>
      ${isNameMissing ? html`<p role="alert" id="missing">${texts.nameMissing}</p>` : undefined}
      <label
        >${texts.name}
        <input name="name" required maxlength="150" autocomplete="name" />
      </label>
      <button name="answer" value="accept">${texts.accept}</button>
    </form>
    <details>
      <summary>${texts.declineLead}</summary>
      <form method="post">
        <label
          >${texts.reason}
          <textarea name="reason" rows="3" maxlength="1000"></textarea>
        </label>
        <button class="second" name="answer" value="decline">${texts.decline}</button>
      </form>
    </details>
  </section>`;
}
